"""The reviews that every server is measured with: recorded ones, in the sizes that Pods have.

A real kube-apiserver sent the recorded ones (``tests/fixtures/reviews``). Those of Pods get more of
what a real Pod had (``tests/fixtures/cluster``): its labels and its owner, and containers as large
as Istio's proxy.
"""

import copy
import dataclasses
import json
from typing import Any, Final

from tests.reviews import RECORDED, Json
from webhook.admission.options import DEFAULT_LABEL_KEY

NAMESPACE: Final = "shop"
"""Where all objects are created; it is opted in."""
_CLUSTER: Final = RECORDED.parent / "cluster"
_POD: Final = "pod_create_generateName.json"
_SERVICE: Final = "svc_kubectl_create.json"
_CREATOR: Final = "system:serviceaccount:kube-system:replicaset-controller"
_CONTAINERS: Final = {"pod-2k": 0, "pod-9k": 1, "pod-67k": 11}
"""How many large containers a Pod has beside its application's."""
_KEYS: Final = {
    "containers": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
}
"""What tells the members of a list apart.

Source:
    k8s.io/api core/v1/types.go, listMapKey.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Review:
    """A review as a server gets it."""

    name: str
    """Kind and size of its object; ``-skipped`` follows where the object opts out."""

    body: bytes
    """JSON, without a space, as the API server sends it."""

    patched: bool
    """Whether the right answer has a patch."""


def _all() -> dict[str, Review]:
    made: dict[str, Review] = {}
    requests = {name: _pod(count) for name, count in _CONTAINERS.items()}
    for name, request in {**requests, "service": _recorded(_SERVICE)}.items():
        made[name] = Review(name, _encoded(request), patched=True)
        skipped = f"{name}-skipped"
        made[skipped] = Review(skipped, _encoded(_opted_out(request)), patched=False)
    return made


def _recorded(name: str) -> Json:
    """Read a recorded review, as if it came from the namespace of this module."""
    review: Json = json.loads((RECORDED / name).read_bytes())
    request = review["request"]
    request["namespace"] = request["object"]["metadata"]["namespace"] = NAMESPACE
    return review


def _pod(containers: int) -> Json:
    """Make the review of a Pod that a Deployment wants.

    Args:
        containers: How many it has beside its application's; each is as large as Istio's proxy.
    """
    review = _recorded(_POD)
    request, pod = review["request"], review["request"]["object"]
    request["userInfo"] = {
        "username": _CREATOR,
        "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system"],
    }
    real = json.loads((_CLUSTER / "pod-redirect.json").read_bytes())
    for field in ("generateName", "ownerReferences"):
        pod["metadata"][field] = real["metadata"][field]
    names = ("app", "version", "pod-template-hash")
    pod["metadata"]["labels"] = {name: real["metadata"]["labels"][name] for name in names}
    owned = pod["metadata"]["managedFields"][0]
    owned["manager"] = real["metadata"]["managedFields"][0]["manager"]
    fields = owned["fieldsV1"]
    fields["f:metadata"] = real["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]
    if containers:
        spec = pod["spec"]
        spec["volumes"] = [each for each in real["spec"]["volumes"] if "projected" in each][-1:]
        spec["containers"] = _containers(real, containers)
        fields["f:spec"]["f:containers"] = _owned("containers", spec["containers"])
    return review


def _containers(real: Json, count: int) -> list[Json]:
    """Take the application's container of a real Pod, and copies of its largest one."""
    (application,) = real["spec"]["containers"]
    (largest,) = (each for each in real["spec"]["initContainers"] if each["name"] == "istio-proxy")
    found = [application]
    for number in range(1, count + 1):
        copied = copy.deepcopy(largest)
        copied["name"] = f"agent-{number}"
        copied["volumeMounts"] = application["volumeMounts"]  # not those that Istio adds
        del copied["restartPolicy"]  # only a sidecar among the init containers has one
        found.append(copied)
    return found


def _owned(name: str, value: Any) -> Json:
    """Write which fields a creator owns, as the API server adds it to every object.

    Args:
        name: Of the field.
        value: What stands in it.

    Source:
        Kubernetes, Server-Side Apply, managedFields; structured-merge-diff fieldpath/serialize.go.
    """
    if isinstance(value, dict):
        return {
            f"f:{field}": _owned(field, member)
            for field, member in value.items()
            if field != "volumeMounts"  # of the service account's token: admission adds it
        }
    owned: Json = {}
    for each in value if name in _KEYS else ():
        key = {field: each[field] for field in _KEYS[name]}
        encoded = json.dumps(key, separators=(",", ":"))
        owned[f"k:{encoded}"] = {".": {}, **_owned("", each)}
    # A list is owned itself beside its members; the containers of a Pod are not.
    return owned if name == "containers" or not owned else {".": {}, **owned}


def _opted_out(review: Json) -> Json:
    """Make the same review of an object that asks to be left alone."""
    made = copy.deepcopy(review)
    metadata = made["request"]["object"]["metadata"]
    metadata["labels"] = {**metadata.get("labels", {}), DEFAULT_LABEL_KEY: "disabled"}
    return made


def _encoded(review: Json) -> bytes:
    return json.dumps(review, separators=(",", ":")).encode()


REVIEWS: Final = _all()
"""By name: ``pod-2k``, ``pod-9k``, ``pod-67k`` and ``service``, and each of them ``-skipped``."""
