"""Objects as a webhook gets to see them: what clients and the API server make of a manifest.

:func:`check` refuses a manifest in which one of the few fields that are read on the way has another
type than the API's, so that no field is misread. A preview is no validator: the API server would
refuse other fields too.

Then an object is made: by :func:`applied` from a manifest, by :func:`recreated` from an object of a
cluster, by :func:`pod_of` from a pod template. Clients and API server write into ``metadata`` what
tells who wrote the object, and the API server fills in the defaults of a Service, because it does
so before it calls any webhook. A Pod has no default that matters here.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from webhook.admission.authorship import CLUSTER
from webhook.admission.services import LOAD_BALANCER, NODE_PORT
from webhook.labels import LAST_APPLIED
from webhook.manifests.objects import Manifest, Path, is_service, member, spelled
from webhook.offline.apiserver import Applier, Object

_CLUSTER_IP: Final = "ClusterIP"
_NAMES: Final = ("name", "generateName", "namespace")
"""Fields of ``metadata`` that are text."""
_MAPS: Final = ("labels", "annotations")
"""Fields of ``metadata`` that are mappings of text to text."""
_AT: Final = " - at `$"
"""What msgspec (0.22.0) puts between what is wrong and the path that leads to it."""
_NO_USE: Final = re.compile(r" \| null\b| \(byte \d+\)")
"""What msgspec (0.22.0) says and an author of manifests has no use for: that a value may be left
out, which always is so, and a place in a review that we have written."""


class _ServiceSpec(msgspec.Struct, rename="camel"):
    """``spec`` of a Service, as far as it is read on the way."""

    type: str | None = None
    ports: list[dict[str, Any]] | None = None
    external_traffic_policy: str | None = None
    health_check_node_port: int | None = None
    selector: dict[str, str | None] | None = None
    load_balancer_class: str | None = None


class _Service(msgspec.Struct):
    """A Service, as far as it is read on the way."""

    spec: _ServiceSpec | None = None


class _Template(msgspec.Struct):
    """A Pod, or the template of one, as far as it is read on the way."""

    spec: dict[str, Any] | None = None


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


def fault(error: Exception, owner: Path) -> str:
    """Say which field of an object is wrong, as the end of a sentence about the object.

    Args:
        error: What msgspec says about the object, or what the webhook makes of that.
        owner: Path in the manifest of the Pod's template; empty where the object is the manifest's.
    """
    words, at, place = str(error).removesuffix(".").rpartition(_AT)
    what = _NO_USE.sub("", (words if at else place).rpartition(": ")[2])
    what = what[:1].lower() + what[1:]
    if not at:
        return f"is no object that the API knows: {what}."
    field = spelled(owner) + place.removesuffix("`")
    return f"has a {field.removeprefix('.')} that the API refuses: {what}."


def applied(
    manifest: Mapping[str, Any], namespace: str, applier: Applier = Applier.KUBECTL
) -> Object:
    """Make the object that comes of a manifest of a Pod or a Service.

    Args:
        manifest: The object as its author wrote it.
        namespace: Where it goes.
        applier: Who creates it.

    Source:
        k8s.io/kubectl pkg/util/apply.go (the annotation);
        the recorded reviews in tests/fixtures/reviews/svc_*.json.
    """
    metadata = _metadata(manifest.get("metadata") or {}) | {"namespace": namespace}
    if applier is Applier.KUBECTL:
        metadata["annotations"] = _with_last_applied(manifest, metadata)
    elif applier.is_server_side:
        metadata["managedFields"] = [_apply_entry(manifest, applier)]
    return _defaulted(manifest, metadata)


def recreated(manifest: Mapping[str, Any], namespace: str) -> Object:
    """Make the object that a live Pod or Service would be if it were created anew as it is.

    Args:
        manifest: The object as a cluster gave it, with what it tells of its writers.
        namespace: Where it is, should it not say so.
    """
    metadata = {"namespace": namespace} | _metadata(manifest["metadata"])
    return _defaulted(manifest, metadata)


def pod_of(template: Mapping[str, Any], workload: str, namespace: str) -> Object:
    """Make the Pod that a workload's controller creates.

    Args:
        template: The workload's pod template.
        workload: The workload's name.
        namespace: The workload's namespace.

    Source:
        k8s.io/kubernetes pkg/controller/controller_utils.go, GetPodFromTemplate.
    """
    kept = _metadata(template.get("metadata") or {})
    metadata = {key: kept[key] for key in _MAPS if kept.get(key)}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"generateName": f"{workload}-", "namespace": namespace, **metadata},
        "spec": template.get("spec") or {},
        "status": {},
    }


def named(template: Mapping[str, Any]) -> Object:
    """Name the containers of a template of Knative's, which may leave their names out.

    Args:
        template: A pod template with a list of containers.

    Source:
        knative/serving pkg/apis/config/defaults.go, DefaultUserContainerName.
    """
    spec = template["spec"]
    containers = [{"name": "user-container", **each} for each in spec["containers"]]
    return {**template, "spec": {**spec, "containers": containers}}


def _check_text(manifest: Manifest, field: str, value: Any) -> None:
    """Check that a field is text, or is not there.

    Raises:
        ManifestError: It is something else.
    """
    if not isinstance(value, str | None):
        raise manifest.error(
            f"has {field}: {msgspec.json.encode(value).decode()}, which must be "
            "text: put it in quotes."
        )


def _defaulted(manifest: Mapping[str, Any], metadata: Object) -> Object:
    """Put metadata to a manifest, and fill in what the API server does before admission."""
    is_pod = manifest["kind"] == "Pod"
    spec = manifest.get("spec") or {}
    return {
        **manifest,
        "metadata": metadata,
        "spec": spec if is_pod else _defaulted_spec(spec),
        "status": {} if is_pod else {"loadBalancer": {}},
    }


def _metadata(written: Mapping[str, Any]) -> Object:
    """Copy metadata; to Go a label or an annotation without a value is an empty text."""
    maps = {
        field: {key: "" if value is None else value for key, value in written[field].items()}
        for field in _MAPS
        if written.get(field)
    }
    return {**written, **maps}


def _defaulted_spec(written: Mapping[str, Any]) -> Object:
    """Fill in the defaults of a Service's ``spec``.

    Source:
        k8s.io/kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_Service, and
        pkg/api/v1/service/util.go, ExternallyAccessible.
    """
    spec = {key: value for key, value in written.items() if value not in (None, "")}
    kind = spec.setdefault("type", _CLUSTER_IP)
    spec.setdefault("sessionAffinity", "None")
    if "ports" in spec:
        spec["ports"] = [
            {"protocol": "TCP", "targetPort": port.get("port"), **port} for port in spec["ports"]
        ]
    if kind in (LOAD_BALANCER, NODE_PORT) or (kind == _CLUSTER_IP and spec.get("externalIPs")):
        spec.setdefault("externalTrafficPolicy", CLUSTER)
    if kind in (LOAD_BALANCER, NODE_PORT, _CLUSTER_IP):
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind == LOAD_BALANCER:
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    return spec


def _with_last_applied(manifest: Mapping[str, Any], metadata: Object) -> Object:
    """Add the annotation in which ``kubectl apply`` keeps the manifest, to the annotations."""
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key != LAST_APPLIED
    }
    written = {**manifest, "metadata": metadata | {"annotations": annotations}}
    last_applied = json.dumps(written, sort_keys=True, separators=(",", ":")) + "\n"
    return annotations | {LAST_APPLIED: last_applied}


def _apply_entry(manifest: Mapping[str, Any], applier: Applier) -> Object:
    """Make the entry of managedFields for a server-side apply, as deep as decisions look into it.

    Source:
        sigs.k8s.io/structured-merge-diff typed/tofieldset.go: a field that is written as null
        belongs to its writer too.
    """
    spec = manifest.get("spec") or {}
    fields: Object = {f"f:{name}": {} for name in sorted(spec)}
    return {
        "manager": applier.field_manager,
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": fields},
    }
