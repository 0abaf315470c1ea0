"""Objects as a webhook gets to see them: what kubectl and the API server make of a manifest.

Everything in ``metadata`` that tells who wrote the object, and for a Service the defaults, because
the API server fills them in before it calls any webhook. A Pod has no default that matters here.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from webhook.admission.authorship import CLUSTER, LAST_APPLIED
from webhook.admission.services import LOAD_BALANCER, NODE_PORT

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as JSON carries it."""

_CLUSTER_IP: Final = "ClusterIP"


def applied(manifest: Mapping[str, Any], namespace: str) -> Object:
    """Make the object that ``kubectl apply`` creates from a manifest of a Pod or a Service.

    Args:
        manifest: The object as its author wrote it.
        namespace: Where it goes.

    Source:
        k8s.io/kubectl pkg/util/apply.go (the annotation);
        the recorded reviews in tests/fixtures/reviews/svc_kubectl_apply_*.json.
    """
    metadata = _metadata(manifest.get("metadata") or {}) | {"namespace": namespace}
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key != LAST_APPLIED
    }
    written = {**manifest, "metadata": metadata | {"annotations": annotations}}
    last_applied = json.dumps(written, sort_keys=True, separators=(",", ":")) + "\n"
    metadata["annotations"] = annotations | {LAST_APPLIED: last_applied}
    is_pod = manifest["kind"] == "Pod"
    return {
        **manifest,
        "metadata": metadata,
        "spec": manifest.get("spec") or {} if is_pod else _service(manifest.get("spec") or {}),
        "status": {} if is_pod else {"loadBalancer": {}},
    }


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
    metadata = {key: kept[key] for key in ("labels", "annotations") if kept.get(key)}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"generateName": f"{workload}-", "namespace": namespace, **metadata},
        "spec": template.get("spec") or {},
        "status": {},
    }


def _metadata(written: Mapping[str, Any]) -> Object:
    """Copy metadata; to Go a label or an annotation without a value is an empty text."""
    maps = {
        field: {key: "" if value is None else value for key, value in written[field].items()}
        for field in ("labels", "annotations")
        if written.get(field)
    }
    return {**written, **maps}


def _service(written: Mapping[str, Any]) -> Object:
    """Fill in the defaults of a Service.

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
