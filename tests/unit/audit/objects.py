"""Objects as a cluster has them, no larger than an audit reads them."""

from typing import Any

Object = dict[str, Any]
KEY = "source-ip-preservation"
BEFORE = "2026-01-01T00:00:00Z"
"""Before everything else."""
LABELLED = "2026-02-01T00:00:00Z"
"""When namespaces got their label."""
BETWEEN = "2026-02-15T00:00:00Z"
INSTALLED = "2026-03-01T00:00:00Z"
"""When the webhook's configuration was made."""
AFTER = "2026-04-01T00:00:00Z"


def namespace(name: str = "shop", mode: str | None = "enabled", **labels: str) -> Object:
    """Make a namespace whose label came at LABELLED; without it where the mode is None."""
    own = {} if mode is None else {KEY: mode}
    labels = {"kubernetes.io/metadata.name": name, **own, **labels}
    entry: Object = {
        "manager": "kubectl-label",
        "operation": "Update",
        "time": LABELLED,
        "fieldsV1": {"f:metadata": {"f:labels": {f"f:{key}": {} for key in own}}},
    }
    metadata: Object = {
        "name": name,
        "labels": labels,
        "creationTimestamp": BEFORE,
        "managedFields": [entry],
    }
    return {"kind": "Namespace", "metadata": metadata}


def configuration(name: str = "0-source-ip-webhook", created: str = INSTALLED) -> Object:
    """Make the webhook's configuration."""
    metadata = {"name": name, "creationTimestamp": created}
    return {"kind": "MutatingWebhookConfiguration", "metadata": metadata, "webhooks": []}


def controlled(kind: str, name: str, api_version: str = "apps/v1") -> list[Object]:
    """Name a controller as ownerReferences do."""
    return [{"apiVersion": api_version, "kind": kind, "name": name, "controller": True}]


def proxy(mode: str | None = "REDIRECT", **security: Any) -> Object:
    """Make the sidecar's container as Istio renders it for a mode."""
    tproxy = mode == "TPROXY"
    context: Object = {"runAsUser": 0 if tproxy else 1337, "runAsGroup": 1337}
    context["capabilities"] = {"drop": ["ALL"], **({"add": ["NET_ADMIN"]} if tproxy else {})}
    variables: list[Object] = [{"name": "PILOT_CERT_PROVIDER", "value": "istiod"}]
    own_name = {"fieldRef": {"fieldPath": "metadata.name"}}
    variables.append({"name": "POD_NAME", "valueFrom": own_name})
    if mode is not None:
        variables.append({"name": "ISTIO_META_INTERCEPTION_MODE", "value": mode})
    return {
        "name": "istio-proxy",
        "args": ["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local"],
        "env": variables,
        "securityContext": {**context, **security},
    }


def init(mode: str = "REDIRECT") -> Object:
    """Make the container istio-init as Istio renders it."""
    arguments = ["istio-iptables", "-p", "15001", "-z", "15006", "-u", "1337", "-m", mode, "-i"]
    return {"name": "istio-init", "args": [*arguments, "*"]}


def pod(
    name: str = "sleep-1",
    mode: str | None = "REDIRECT",
    *,
    namespace: str = "shop",
    created: str = AFTER,
    owners: list[Object] | None = None,
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    status: Object | None = None,
    **spec: Any,
) -> Object:
    """Make a Pod that Istio has injected, in some mode; without a sidecar where that is None."""
    sidecar = {"sidecar.istio.io/status": "{}"} if mode else {}
    metadata = {
        "name": name,
        "namespace": namespace,
        "creationTimestamp": created,
        "labels": labels or {"app": "sleep"},
        "annotations": {**sidecar, **(annotations or {})},
        "ownerReferences": owners or [],
    }
    containers = [{"name": "sleep", "image": "curl"}, *([proxy(mode)] if mode else [])]
    inits = [init(mode)] if mode else []
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": containers, "initContainers": inits, **spec},
        "status": status or {"phase": "Running"},
    }


def tproxy(name: str = "sleep-1", **more: Any) -> Object:
    """Make a Pod in which everything is as it should be."""
    annotations = {"sidecar.istio.io/interceptionMode": "TPROXY", **more.pop("annotations", {})}
    return pod(name, "TPROXY", annotations=annotations, **more)


def workload(
    kind: str = "Deployment",
    name: str = "sleep",
    *,
    namespace: str = "shop",
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    helm: str = "",
    owners: list[Object] | None = None,
    containers: list[Object] | None = None,
    pod_spec: Object | None = None,
    **spec: Any,
) -> Object:
    """Make what makes Pods."""
    template = {
        "metadata": {"labels": labels or {"app": "sleep"}, "annotations": annotations or {}},
        "spec": {"containers": containers or [{"name": "sleep"}], **(pod_spec or {})},
    }
    metadata: Object = {"name": name, "namespace": namespace, "ownerReferences": owners or []}
    metadata |= of_helm(helm)
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": {"template": template}}, **spec}
    else:
        spec = {"template": template, **spec}
    return {"kind": kind, "metadata": metadata, "spec": spec}


def of_helm(release: str) -> Object:
    """Make the labels and annotations of what belongs to a release, ``namespace/name``."""
    if not release:
        return {}
    where, _, name = release.partition("/")
    return {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {
            "meta.helm.sh/release-name": name,
            "meta.helm.sh/release-namespace": where,
        },
    }


def service(
    name: str = "gateway",
    policy: str | None = "Cluster",
    *,
    namespace: str = "shop",
    created: str = AFTER,
    written: tuple[str, str, str] | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    helm: str = "",
    pending: bool = False,
    **spec: Any,
) -> Object:
    """Make a Service of type LoadBalancer.

    The policy's writer is told by ``written``: manager, operation and time.
    """
    manager, operation, time = written or ("helm", "Update", created)
    entry = {
        "manager": manager,
        "operation": operation,
        "time": time,
        "fieldsV1": {"f:spec": {"f:externalTrafficPolicy": {}, "f:type": {}}},
    }
    belongs = of_helm(helm)
    metadata = {
        "name": name,
        "namespace": namespace,
        "creationTimestamp": created,
        "labels": {**belongs.get("labels", {}), **(labels or {})},
        "annotations": {**belongs.get("annotations", {}), **(annotations or {})},
        "managedFields": [entry],
    }
    local = {"healthCheckNodePort": 31000} if policy == "Local" else {}
    return {
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": policy,
            "selector": {"istio": "ingressgateway"},
            **local,
            **spec,
        },
        "status": {"loadBalancer": {} if pending else {"ingress": [{"ip": "192.0.2.1"}]}},
    }


def slice_of(
    service: str, *nodes: str | None, namespace: str = "shop", **conditions: Any
) -> Object:
    """Make an EndpointSlice with a ready endpoint on each of some nodes."""
    return {
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-x1",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "endpoints": [
            {
                "addresses": ["10.244.1.2"],
                "conditions": {"ready": True, "serving": True, "terminating": False} | conditions,
                **({"nodeName": node} if node else {}),
            }
            for node in nodes
        ],
    }


def node(
    name: str, *, ready: bool = True, labels: dict[str, str] | None = None, **spec: Any
) -> Object:
    """Make a node."""
    condition = {"type": "Ready", "status": "True" if ready else "Unknown"}
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
        "status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, condition]},
    }
