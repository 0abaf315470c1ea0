"""Checks the few fields that the preview itself reads: the API server would refuse the others too.

Only what would otherwise be misread; a preview is no validator.
"""

from typing import Any

import msgspec

from webhook.offline.fault import fault
from webhook.offline.manifests import Manifest
from webhook.offline.workloads import Path, is_service, member, spelled

_NAMES = ("name", "generateName", "namespace")
_MAPS = ("labels", "annotations")


class _ServiceSpec(msgspec.Struct, rename="camel"):
    """What the defaults of a Service look at."""

    type: str | None = None
    ports: list[dict[str, Any]] | None = None
    external_traffic_policy: str | None = None
    health_check_node_port: int | None = None
    selector: dict[str, str | None] | None = None
    load_balancer_class: str | None = None


class _Service(msgspec.Struct):
    spec: _ServiceSpec | None = None


class _Template(msgspec.Struct):
    spec: dict[str, Any] | None = None


def check_metadata(manifest: Manifest, owner: Path = ()) -> None:
    """Check names, labels and annotations.

    Args:
        manifest: The object.
        owner: Path of what the metadata belongs to: the object itself, or its pod template.

    Raises:
        ManifestError: One of them is not text, as an unquoted ``1.0`` is not.
    """
    path = (*owner, "metadata")
    metadata = member(manifest.data, path) or {}
    where = spelled(path)
    if not isinstance(metadata, dict):
        raise manifest.error(f"has a {where} that is no mapping.")
    for field in _NAMES:
        _check_text(manifest, f"{where}.{field}", metadata.get(field))
    for field in _MAPS:
        texts = metadata.get(field) or {}
        if not isinstance(texts, dict):
            raise manifest.error(f"has {where}.{field} that are no mapping: write key: value.")
        for key, value in texts.items():
            _check_text(manifest, f"{where}.{field} {key}", value)


def check(manifest: Manifest, template: Path) -> None:
    """Check a Service, a Pod or a workload.

    Args:
        manifest: The object.
        template: Path of its pod template; empty for a Pod and for a Service.

    Raises:
        ManifestError: It has no name, or a field of another type than the API's.
    """
    check_metadata(manifest)
    if not manifest.name:
        raise manifest.error("has no name: give it a metadata.name.")
    if template:
        check_metadata(manifest, template)
    try:
        shape = _Service if is_service(manifest) else _Template
        msgspec.convert(member(manifest.data, template), shape)
    except msgspec.ValidationError as error:
        raise manifest.error(fault(error, template)) from error


def _check_text(manifest: Manifest, field: str, value: Any) -> None:
    if not isinstance(value, str | None):
        raise manifest.error(
            f"has {field}: {msgspec.json.encode(value).decode()}, which must be "
            "text: put it in quotes."
        )
