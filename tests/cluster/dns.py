"""CoreDNS in a cluster: the objects of it, and whether it answers."""

import json
from typing import Any

from tests.cluster import addresses
from tests.controlplane import ControlPlane
from tests.controlplane.api import ApiClient
from tests.images import names

_NAME = "coredns"
_NAMESPACE = "kube-system"
_LABELS = {"k8s-app": "kube-dns"}
_SERVICE = "kube-dns"
"""As every cluster calls it, since kube-dns was what came first."""

_COREFILE = """\
.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa
    cache 5
}
"""

Json = dict[str, Any]


def install(plane: ControlPlane) -> None:
    """Create what CoreDNS needs, and CoreDNS."""
    objects = {"apiVersion": "v1", "kind": "List", "items": _objects()}
    plane.kubectl("apply", "--filename=-", input=json.dumps(objects), namespace=_NAMESPACE)


def answers(api: ApiClient) -> bool:
    """Tell whether a replica is ready to be asked."""
    found = api.find("Deployment", _NAME, _NAMESPACE)
    return bool(found and found.get("status", {}).get("readyReplicas"))


def _objects() -> list[Json]:
    named = {"metadata": {"name": _NAME, "namespace": _NAMESPACE}}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", **named},
        {"apiVersion": "v1", "kind": "ConfigMap", **named, "data": {"Corefile": _COREFILE}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": _NAME},
            "rules": [
                _read("", "endpoints", "services", "pods", "namespaces"),
                _read("discovery.k8s.io", "endpointslices"),
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": _NAME},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": _NAME,
            },
            "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": _NAMESPACE}],
        },
        {"apiVersion": "apps/v1", "kind": "Deployment", **named, "spec": _deployment()},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _SERVICE, "namespace": _NAMESPACE},
            "spec": {
                "clusterIP": addresses.DNS,
                "selector": _LABELS,
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                ],
            },
        },
    ]


def _deployment() -> Json:
    container = {
        "name": _NAME,
        "image": names.COREDNS,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "volumeMounts": [{"name": "configuration", "mountPath": "/etc/coredns"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
    }
    pod = {
        "serviceAccountName": _NAME,
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "configuration", "configMap": {"name": _NAME}}],
    }
    template = {"metadata": {"labels": _LABELS}, "spec": pod}
    return {"selector": {"matchLabels": _LABELS}, "template": template}


def _read(group: str, *resources: str) -> Json:
    return {"apiGroups": [group], "resources": list(resources), "verbs": ["list", "watch"]}
