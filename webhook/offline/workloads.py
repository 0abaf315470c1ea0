"""Workloads: the kinds that create Pods, and where each keeps its pod templates."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from webhook.offline.manifests import Manifest

Path = tuple[str | int, ...]
"""Steps from an object's root to a part of it: the names of members, the places in lists."""

_SPEC: Final[Path] = ("spec", "template")

_TEMPLATES: Final[dict[tuple[str, str], Path]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): _SPEC,
    ("apps", "DaemonSet"): _SPEC,
    ("apps", "Deployment"): _SPEC,
    ("apps", "ReplicaSet"): _SPEC,
    ("apps", "StatefulSet"): _SPEC,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): _SPEC,
}
"""Kubernetes' own kinds. Those of others are known by the shape of what they hold."""

_SCHEMAS: Final = "apiextensions.k8s.io"
"""The group of CustomResourceDefinition, whose examples and defaults are no objects."""

_DEEPEST: Final = 10
"""Steps to a template, at most: an AppWrapper that wraps a JobSet has its templates at
``spec.components[0].template.spec.replicatedJobs[0].template.spec.template``."""


def is_service(manifest: Manifest) -> bool:
    """Tell whether this is a Service of the core group, and not Knative's kind of that name."""
    return (manifest.group, manifest.kind) == ("", "Service")


def is_kubernetes_own(manifest: Manifest) -> bool:
    """Tell whether a kind has its pod template at a place that Kubernetes' own API fixes."""
    return (manifest.group, manifest.kind) in _TEMPLATES


def template_paths(manifest: Manifest) -> list[Path]:
    """Tell where an object keeps its pod templates.

    Kubernetes' own kinds are known by name. Others are searched: below ``spec``, what is called
    a template and is a PodTemplateSpec by its shape is one.

    Args:
        manifest: Any object.

    Returns:
        The paths of its templates in the order of the manifest; the empty path for a Pod, which is
        its own template. Nothing for kinds that create no Pods, and for objects without the
        template, such as a Rollout that refers to a Deployment.

    Source:
        k8s.io/api core/v1/types.go, PodTemplateSpec;
        k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation: the group of a custom
        resource has a dot, and no workload of Kubernetes is in such a group.
    """
    if is_kubernetes_own(manifest):
        path = _TEMPLATES[manifest.group, manifest.kind]
        return [path] if isinstance(member(manifest.data, path), dict) else []
    if "." not in manifest.group or manifest.group == _SCHEMAS:
        return []
    return list(_templates(manifest.data.get("spec"), ("spec",)))


def member(data: Any, path: Path) -> Any:
    """Find a part of an object; ``None`` where the path leads nowhere."""
    for step in path:
        if isinstance(step, int):
            data = data[step]  # such a path was found in these very data
        elif isinstance(data, Mapping):
            data = data.get(step)
        else:
            return None
    return data


def spelled(path: Path) -> str:
    """Spell a path as kubectl does, ``spec.workerGroupSpecs[0].template``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def _templates(data: Any, path: Path) -> Iterator[Path]:
    """Search for pod templates, from the top; nothing is searched for inside of one."""
    if len(path) > _DEEPEST:
        return
    if isinstance(data, list):
        for place, item in enumerate(data):
            yield from _templates(item, (*path, place))
    elif isinstance(data, dict):
        if _is_template(path[-1]) and _is_pod_template_spec(data):
            yield path
            return
        for name, value in data.items():
            # A spec further down is that of a template, such as a Job's. Elsewhere it is that of a
            # whole object, which goes to other clusters (ManifestWork) or is a pattern (Kyverno).
            if name != "spec" or _is_template(path[-1]):
                yield from _templates(value, (*path, name))


def _is_template(step: str | int) -> bool:
    return isinstance(step, str) and step.lower().endswith("template")


def _is_pod_template_spec(data: Mapping[str, Any]) -> bool:
    """Tell it by its containers; Knative lets their names be left out, and none has no image."""
    spec = data.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    return (
        isinstance(containers, list)
        and bool(containers)
        and all(
            isinstance(each, dict) and (_is_text(each.get("name")) or _is_text(each.get("image")))
            for each in containers
        )
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
