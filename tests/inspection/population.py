"""Who lives in a cluster of 50,000 Pods: recorded objects, written out under other names.

The Pods are two recorded ones that Istio has injected: httpbin in a real mesh, before and after its
namespace was labelled (``kubectl get pod -o json --show-managed-fields``), in
tests/fixtures/cluster.
Objects are made while they are asked for.
"""

import dataclasses
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]

NAMESPACES = 20
WORKLOADS = 50
"""In each namespace."""
REPLICAS = 50
OLD = 5
"""One in so many workloads is older than the label of its namespace."""
SERVICES = 50
"""In each namespace."""

_RECORDED = Path(__file__).parents[1] / "fixtures" / "cluster"


def recorded(name: str) -> Json:
    """Read a recorded object."""
    found: Json = json.loads((_RECORDED / f"{name}.json").read_text())
    return found


class Collection:
    """Objects of one kind in one place, made when they are asked for."""

    def __init__(self, kind: str, version: str, size: int, make: Callable[[int], bytes]) -> None:
        """Describe them.

        Args:
            kind: Of each.
            version: Their ``apiVersion``.
            size: How many there are.
            make: Makes one, by its number, as JSON.
        """
        self.head = json.dumps({"kind": f"{kind}List", "apiVersion": version})[:-1].encode()
        self.size = size
        self.make = make

    def page(self, start: int, limit: int) -> bytes:
        """Write a page of a list."""
        end = min(start + limit, self.size)
        metadata = {"resourceVersion": "1000"}
        if end < self.size:
            metadata |= {"continue": str(end), "remainingItemCount": str(self.size - end)}
        items = b",".join(map(self.make, range(start, end)))
        return b'%s,"metadata":%s,"items":[%s]}' % (self.head, json.dumps(metadata).encode(), items)


class Template:
    """A recorded object that is written out again and again under other names."""

    def __init__(self, subject: Json, *names: str) -> None:
        """Take it apart where its names stand.

        Args:
            subject: The recorded one.
            names: What is replaced, longer ones before those that they contain.
        """
        text = json.dumps(subject, separators=(",", ":"))
        self._names = names
        pattern = "|".join(map(re.escape, names))
        self._parts = [part.encode() for part in re.split(f"({pattern})", text)]

    def written(self, *names: str) -> bytes:
        """Write it with other names, in the order of the old ones."""
        new = dict(zip(map(str.encode, self._names), map(str.encode, names), strict=True))
        return b"".join(new.get(part, part) for part in self._parts)


@dataclasses.dataclass(frozen=True)
class Population:
    """Who lives in the cluster.

    Attributes:
        namespaces: How many, all opted in.
        workloads: Deployments in each.
        replicas: Pods of each Deployment.
    """

    namespaces: int = NAMESPACES
    workloads: int = WORKLOADS
    replicas: int = REPLICAS

    @property
    def pods(self) -> int:
        """How many Pods there are."""
        return self.namespaces * self.workloads * self.replicas

    def collections(self) -> dict[str, Collection]:
        """Return all collections by their paths."""
        node = json.dumps(recorded("node")).encode()
        configuration = json.dumps(recorded("configuration")).encode()
        space = Template(recorded("namespace"), '"shop"')
        found = {
            "/api/v1/namespaces": Collection(
                "Namespace", "v1", self.namespaces, lambda n: space.written(f'"{_place(n)}"')
            ),
            "/api/v1/nodes": Collection("Node", "v1", 1, lambda _: node),
            f"{_REGISTRATION}/mutatingwebhookconfigurations": Collection(
                "MutatingWebhookConfiguration",
                "admissionregistration.k8s.io/v1",
                1,
                lambda _: configuration,
            ),
        }
        per_namespace = {
            "Pod": ("/api/v1", "v1", "pods", self.workloads * self.replicas, _pods(self.replicas)),
            "ReplicaSet": ("/apis/apps/v1", "apps/v1", "replicasets", self.workloads, _sets()),
            "Deployment": ("/apis/apps/v1", "apps/v1", "deployments", self.workloads, _deploys()),
            "Service": ("/api/v1", "v1", "services", SERVICES, _services()),
        }
        for kind, (group, version, plural, size, make) in per_namespace.items():
            found[f"{group}/{plural}"] = Collection(
                kind,
                version,
                size * self.namespaces,
                _everywhere(make, size),
            )
            for space_number in range(self.namespaces):
                name = _place(space_number)
                found[f"{group}/namespaces/{name}/{plural}"] = Collection(
                    kind, version, size, functools.partial(make, name)
                )
        return found


_REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
Make = Callable[[str, int], bytes]


def _everywhere(make: Make, size: int) -> Callable[[int], bytes]:
    """Number the objects of all namespaces, one namespace after the other."""
    return lambda number: make(_place(number // size), number % size)


def _place(number: int) -> str:
    return f"team-{number:03}"


def _app(number: int) -> str:
    return f"app-{number:03}"


def _pods(replicas: int) -> Make:
    """Make Pods: the first of each `OLD` workloads is older than the label."""
    old, new = recorded("pod-redirect"), recorded("pod-tproxy")
    templates = {True: _pod_template(old), False: _pod_template(new)}

    def make(namespace: str, number: int) -> bytes:
        app, replica = divmod(number, replicas)
        name = _app(app)
        address = f"10.{int(namespace[-3:]) + 1}.{app}.{replica + 1}"
        names = (f"{name}-5d4b8c7f9-{replica:05}", f"{name}-5d4b8c7f9", name)
        uid = f"00000000-{namespace[-3:]}0-4000-8000-{number:012}"
        return templates[app % OLD == 0].written(*names, namespace, uid, address)

    return make


def _pod_template(pod: Json) -> Template:
    (owner,) = pod["metadata"]["ownerReferences"]
    about = pod["metadata"]
    app = about["labels"]["app"]
    names = (about["name"], owner["name"], app, "shop", about["uid"], pod["status"]["podIP"])
    return Template(pod, *names)


def _sets() -> Make:
    template = Template(
        recorded("replicaset"), recorded("replicaset")["metadata"]["name"], "httpbin", "shop"
    )
    return lambda namespace, n: template.written(f"{_app(n)}-5d4b8c7f9", _app(n), namespace)


def _deploys() -> Make:
    template = Template(recorded("deployment"), "httpbin", "shop")
    return lambda namespace, n: template.written(_app(n), namespace)


def _services() -> Make:
    template = Template(recorded("service"), "httpbin", "shop")
    return lambda namespace, n: template.written(_app(n), namespace)
