"""The Nodes of the cluster: registered, alive, and given work."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from tests.controlplane.api import ApiClient, ApiError
from tests.kubelet.restarts import timestamp

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_LEASE_SECONDS = 40
_RESOURCES = {"cpu": "8", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"}


class Nodes:
    """Nodes that are ready, each in a zone of its own."""

    def __init__(self, api: ApiClient, addresses: Mapping[str, str]) -> None:
        """Describe them; none is registered yet.

        Args:
            api: access as a cluster admin.
            addresses: of each Node, by its name.
        """
        self.addresses = addresses
        self._api = api

    def register(self) -> None:
        """Have them in the cluster.

        Raises:
            ApiError: the API server refused.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        version = self._api.json("GET", "/version")["gitVersion"]
        for name in self.addresses:
            self._send("DELETE", f"/api/v1/nodes/{name}", None)  # of an earlier kubelet, if any
            self._send("POST", "/api/v1/nodes", self._node(name, version))

    def renew(self) -> None:
        """Say that they are alive, or the controllers take them for dead after some 50 s.

        Raises:
            ApiError: the API server refused.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        for name in self.addresses:
            spec = {
                "holderIdentity": name,
                "leaseDurationSeconds": _LEASE_SECONDS,
                "renewTime": now,
            }
            body = {"metadata": {"name": name}, "spec": spec}
            self._send("POST", _LEASES, body)
            self._send("PATCH", f"{_LEASES}/{name}", body)

    def remove(self) -> None:
        """Have them no longer in the cluster; fine if they are not.

        Raises:
            ApiError: the API server refused.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        for name in self.addresses:
            self._send("DELETE", f"/api/v1/nodes/{name}", None)
            self._send("DELETE", f"{_LEASES}/{name}", None)

    def bind(self, pod: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> None:
        """Bind a Pod to the Node with the fewest Pods of its owner, the emptiest one of these.

        Of all that kube-scheduler looks at only nodeSelector counts here.

        Args:
            pod: the Pod; its nodeName is set if that could be done.
            others: the Pods of its namespace, itself or not.

        Raises:
            ApiError: the API server refused; also where no Node fits and the Pod has to wait.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        everywhere: Counter[str] = Counter()
        siblings: Counter[str] = Counter()
        for other in others:
            if node := other["spec"].get("nodeName"):
                everywhere[node] += 1
                siblings[node] += _owner(other) == _owner(pod)
        selector = pod["spec"].get("nodeSelector", {}).items()
        fitting = [name for name in self.addresses if selector <= _labels(name).items()]
        if fitting:
            name = min(fitting, key=lambda node: (siblings[node], everywhere[node]))
            path = "/api/v1/namespaces/{namespace}/pods/{name}/binding".format(**pod["metadata"])
            body = {
                "metadata": {key: pod["metadata"][key] for key in ("name", "uid")},
                "target": {"apiVersion": "v1", "kind": "Node", "name": name},
            }
            self._send("POST", path, body)
            pod["spec"]["nodeName"] = name

    def _node(self, name: str, version: str) -> dict[str, Any]:
        now = timestamp(dt.datetime.now(dt.UTC).timestamp())
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        status = {
            "capacity": _RESOURCES,
            "allocatable": _RESOURCES,
            "addresses": [
                {"type": "InternalIP", "address": self.addresses[name]},
                {"type": "Hostname", "address": name},
            ],
            "conditions": [ready],
            "nodeInfo": {"kubeletVersion": version, "operatingSystem": "linux"},
        }
        return {"metadata": {"name": name, "labels": _labels(name)}, "status": status}

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> None:
        """Send a request for which it is no error that something is there, or is not."""
        content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self._api.request(method, path, body, content_type=content_type)
        fine = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.status not in fine:
            raise ApiError(f"{method} {path}", answer)


def _labels(name: str) -> dict[str, str]:
    return {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": "region",
        "topology.kubernetes.io/zone": f"zone-of-{name}",
    }


def _owner(pod: Mapping[str, Any]) -> Any:
    """Return what made a Pod, None for nobody."""
    owners = pod["metadata"].get("ownerReferences")
    return owners[0]["uid"] if owners else None
