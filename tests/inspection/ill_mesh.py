"""Labels of namespaces and settings of the mesh that do not let the webhook do its work."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final

from tests.inspection.admin import KEY, Admin, load_balancer, workload
from tests.inspection.proxy import Proxy
from webhook.labels import DATAPLANE_MODE, NAMESPACE_INJECTION, POD_SECURITY, REVISION

Json = dict[str, Any]

_ROOT: Final = "istio-system"


@contextlib.contextmanager
def namespaces(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Label namespaces so that the labels do not do what somebody thinks."""
    injected = {NAMESPACE_INJECTION: "enabled"}
    for name, labels in (
        ("typo", {KEY: "enable"}),
        ("both", {KEY: "enabled", **injected, REVISION: "default"}),
        ("without", {KEY: "enabled"}),
        ("strict", {KEY: "enabled", **injected, f"{POD_SECURITY}enforce": "baseline"}),
        ("ambient", {KEY: "enabled", **injected, DATAPLANE_MODE: "ambient"}),
        ("announced", {KEY: "north-south"}),
    ):
        admin.create({"kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    admin.kubectl("label", "namespace", "kube-system", f"{KEY}=enabled")
    admin.create(
        {
            "kind": "ConfigMap",
            "metadata": {"name": "cilium-config"},
            "data": {"enable-l2-announcements": "true"},
        },
        namespace="kube-system",
    )
    admin.create(load_balancer(), namespace="announced")
    yield
    admin.kubectl("delete", "configmap", "cilium-config", namespace="kube-system")
    for name in ("typo", "both", "without", "strict", "ambient", "announced"):
        admin.kubectl("delete", "namespace", name, "--wait=false")


@contextlib.contextmanager
def mesh(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Set the mesh so that TPROXY does not work or does nothing, and have others set our fields."""
    loopback = {"port": {"number": 80, "protocol": "HTTP"}, "defaultEndpoint": "127.0.0.1:80"}
    admin.create(
        {"kind": "Namespace", "metadata": {"name": "led", "labels": _OPTED}},
        {"kind": "Namespace", "metadata": {"name": "vendor"}},
    )
    admin.create(
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Sidecar",
            "metadata": {"name": "loopback"},
            "spec": {"ingress": [loopback]},
        },
        namespace="led",
    )
    istiod = workload("istiod", replicas=0)
    istiod["metadata"]["labels"] = {"app": "istiod"}
    istiod["spec"]["template"]["spec"]["containers"][0]["image"] = "docker.io/istio/pilot:1.11.8"
    plugin = workload("istio-cni-node", "DaemonSet", runs=True)
    plugin["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": "example.org/never"}]
    admin.create(istiod, plugin, namespace="vendor")
    admin.create(*_everything_local())
    settings = admin.cluster.get("ConfigMap", "istio", _ROOT)["data"]["mesh"]
    ill = settings.replace("defaultConfig:", "defaultConfig:\n  interceptionMode: NONE")
    _set_mesh(admin, f"{ill}\ninboundTrafficPolicy:\n  mode: LOCALHOST\n")
    admin.wait_for(
        lambda: admin.cluster.get("DaemonSet", "istio-cni-node", "vendor")["status"].get(
            "desiredNumberScheduled"
        ),
        "the plugin",
    )
    yield
    _set_mesh(admin, settings)
    admin.kubectl("delete", "namespace", "led", "vendor", "--wait=false")
    for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
        admin.kubectl("delete", kind, "local-everywhere")


_OPTED: Final = {KEY: "enabled", NAMESPACE_INJECTION: "enabled"}


def _everything_local() -> tuple[Json, ...]:
    """Write a policy of somebody else's that makes every load balancer's Service Local."""
    registration = {"apiVersion": "admissionregistration.k8s.io/v1"}
    metadata = {"metadata": {"name": "local-everywhere"}}
    services = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["services"],
        "operations": ["CREATE"],
    }
    policy = 'Object{spec: Object.spec{externalTrafficPolicy: "Local"}}'
    return (
        {
            **registration,
            "kind": "MutatingAdmissionPolicy",
            **metadata,
            "spec": {
                "matchConstraints": {"resourceRules": [services]},
                "matchConditions": [
                    {"name": "type", "expression": "object.spec.type == 'LoadBalancer'"}
                ],
                "mutations": [
                    {
                        "patchType": "ApplyConfiguration",
                        "applyConfiguration": {"expression": policy},
                    }
                ],
                "reinvocationPolicy": "Never",
                "failurePolicy": "Ignore",
            },
        },
        {
            **registration,
            "kind": "MutatingAdmissionPolicyBinding",
            **metadata,
            "spec": {"policyName": "local-everywhere"},
        },
    )


def _set_mesh(admin: Admin, settings: str) -> None:
    patch = json.dumps({"data": {"mesh": settings}})
    admin.kubectl(
        "patch", "configmap", "istio", "--type=merge", f"--patch={patch}", namespace=_ROOT
    )
