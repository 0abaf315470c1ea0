"""Workloads: the kinds that create Pods, and where each keeps its pod template."""

from collections.abc import Mapping
from typing import Any, Final

from webhook.offline.manifests import Manifest

Path = tuple[str, ...]
"""Names from an object's root to one of its members."""

_SPEC: Final[Path] = ("spec", "template")

_TEMPLATES: Final[dict[tuple[str, str], Path]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): _SPEC,
    ("apps", "DaemonSet"): _SPEC,
    ("apps", "Deployment"): _SPEC,
    ("apps", "ReplicaSet"): _SPEC,
    ("apps", "StatefulSet"): _SPEC,
    ("argoproj.io", "Rollout"): _SPEC,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): _SPEC,
    ("serving.knative.dev", "Service"): _SPEC,
}


def is_service(manifest: Manifest) -> bool:
    """Tell whether this is a Service of the core group, and not Knative's kind of that name."""
    return (manifest.group, manifest.kind) == ("", "Service")


def template_path(manifest: Manifest) -> Path | None:
    """Tell where an object keeps its pod template.

    Args:
        manifest: Any object.

    Returns:
        The path of the template, empty for a Pod, which is its own template. ``None`` for kinds
        that create no Pods and for objects without the template, such as a Rollout that refers to
        a Deployment.
    """
    path = _TEMPLATES.get((manifest.group, manifest.kind))
    if path is None or not isinstance(member(manifest.data, path), dict):
        return None
    return path


def member(data: Any, path: Path) -> Any:
    """Find a member of an object; ``None`` where the path leads nowhere."""
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(name)
    return data
