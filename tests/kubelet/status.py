"""The status of a Pod, as kubelet publishes it (pkg/kubelet/status of Kubernetes)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.kubelet.container import Container

JsonObject = dict[str, Any]


def of_container(spec: Mapping[str, Any], container: Container) -> JsonObject:
    """Return the status of a container.

    Args:
        spec: its part of the Pod's spec.
        container: the container.
    """
    return {
        **_common(spec),
        "ready": container.ready,
        "started": container.started,
        "restartCount": max(container.restarts.runs - 1, 0),
        "state": container.restarts.state,
        "lastState": container.restarts.last_state,
    }


def of_waiting(spec: Mapping[str, Any], reason: str, message: str) -> JsonObject:
    """Return the status of a container that cannot be started yet.

    Args:
        spec: its part of the Pod's spec.
        reason: in one word, such as ContainerCreating.
        message: the same in a sentence, or nothing.
    """
    waiting = {"reason": reason, "message": message} if message else {"reason": reason}
    return {
        **_common(spec),
        "ready": False,
        "started": False,
        "restartCount": 0,
        "state": {"waiting": waiting},
        "lastState": {},
    }


def of_pod(
    containers: Sequence[JsonObject], before: Mapping[str, Any], addresses: JsonObject, now: str
) -> JsonObject:
    """Return the status of a Pod.

    Args:
        containers: the status of each container.
        before: the Pod's status so far.
        addresses: its addresses, and those of its Node.
        now: a timestamp.
    """
    phase = _phase(containers)
    unready = [each["name"] for each in containers if not each["ready"]]
    problem = {}
    if unready:
        problem = {
            "reason": "ContainersNotReady",
            "message": f"containers with unready status: [{' '.join(unready)}]",
        }
    if phase == "Succeeded":
        problem = {"reason": "PodCompleted"}
    wanted = [
        {"type": "PodReadyToStartContainers", "status": "True"},
        {"type": "Initialized", "status": "True"},
        {"type": "Ready", "status": str(not unready), **problem},
        {"type": "ContainersReady", "status": str(not unready), **problem},
    ]
    return {
        "phase": phase,
        "startTime": before.get("startTime", now),
        **addresses,
        "conditions": _conditions(wanted, before.get("conditions") or (), now),
        "containerStatuses": list(containers),
    }


def _common(spec: Mapping[str, Any]) -> JsonObject:
    return {"name": spec["name"], "image": spec["image"], "imageID": spec["image"]}


def _phase(containers: Sequence[JsonObject]) -> str:
    """Return the phase (getPhase in pkg/kubelet/kubelet_pods.go of Kubernetes)."""
    ended = [each["state"]["terminated"] for each in containers if "terminated" in each["state"]]
    if len(ended) == len(containers):
        return "Failed" if any(each["exitCode"] for each in ended) else "Succeeded"
    if any("waiting" in each["state"] and not each["lastState"] for each in containers):
        return "Pending"
    return "Running"


def _conditions(
    wanted: Sequence[JsonObject], before: Iterable[JsonObject], now: str
) -> list[JsonObject]:
    """Return conditions with the times of their last change, and what others have added."""
    known = {each["type"]: each for each in before}
    for condition in wanted:
        last = known.get(condition["type"], {})
        same = last.get("status") == condition["status"]
        since = last["lastTransitionTime"] if same else now
        known[condition["type"]] = {**condition, "lastTransitionTime": since}
    return list(known.values())
