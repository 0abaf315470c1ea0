"""Deployments, StatefulSets, DaemonSets and Pods as the API server tells of them."""

from typing import Any


def workload(
    generation: int = 2, spec: dict[str, Any] | None = None, **status: Any
) -> dict[str, Any]:
    """Make a workload whose controller has seen its last change.

    Args:
        generation: Of the object.
        spec: What it has besides its selector.
        status: Its status.
    """
    selector = {"matchLabels": {"app": "web"}}
    return {
        "metadata": {"generation": generation},
        "spec": {"selector": selector, **(spec or {})},
        "status": {"observedGeneration": generation, **status},
    }


READY = workload(spec={"replicas": 2}, replicas=2, updatedReplicas=2, availableReplicas=2)
"""A Deployment with nothing left to do."""
HALF = workload(spec={"replicas": 2}, replicas=3, updatedReplicas=1, availableReplicas=3)
"""A Deployment in the middle."""


def pod(name: str, created: str = "", **status: Any) -> dict[str, Any]:
    """Make a Pod of a workload."""
    return {"metadata": {"name": name, "creationTimestamp": created}, "status": status}


def waits(container: str, reason: str, message: str = "") -> dict[str, Any]:
    """Make the status of a container that waits."""
    return {"name": container, "state": {"waiting": {"reason": reason, "message": message}}}
