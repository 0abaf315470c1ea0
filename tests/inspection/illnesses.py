"""What can be wrong with an installation and its mesh, each made so, as rounds of doctor's visits.

What does not get in the way of each other is wrong in the same round.
"""

import base64
import contextlib
import dataclasses
import datetime as dt
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

from tests.cluster import mesh
from tests.inspection.admin import KEY, Admin, load_balancer, workload
from tests.inspection.proxy import Proxy
from tests.waiting import wait_for
from webhook.labels import DATAPLANE_MODE, NAMESPACE_INJECTION, POD_SECURITY, REVISION

Json = dict[str, Any]

_CONFIGURATION: Final = "mutatingwebhookconfiguration/0-source-ip-webhook"
_DEPLOYMENT: Final = f"deployment/{mesh.RELEASE}"
LATE: Final = "h-source-ip-webhook"
"""A name of the configuration that comes before Istio's own, and after one that comes early."""
_EARLY: Final = "a-istio-sidecar-injector"
_ROOT: Final = "istio-system"


@dataclasses.dataclass(frozen=True)
class Round:
    """One state of the cluster in which several checks have something to say.

    Attributes:
        name: What is wrong.
        fails: Names of the checks that fail.
        warns: Names of those that warn.
        ill: Makes it so, and afterwards mends whatever no printed command mends.
        typed: Names of the checks whose cure is a command, which is typed.
        flags: Flags of ``doctor``.
        seen_by_proxy: Whether doctor asks through the proxy.
    """

    name: str
    ill: Callable[[Admin, Proxy], contextlib.AbstractContextManager[None]]
    fails: frozenset[str] = frozenset()
    warns: frozenset[str] = frozenset()
    typed: frozenset[str] = frozenset()
    flags: tuple[str, ...] = ()
    seen_by_proxy: bool = False


@contextlib.contextmanager
def _namespaces(admin: Admin, _proxy: Proxy) -> Iterator[None]:
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
def _mesh(admin: Admin, _proxy: Proxy) -> Iterator[None]:
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


@contextlib.contextmanager
def _values(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Install with values that save at the wrong end, and edit the configuration by hand."""
    upgrade(
        admin,
        "--set=replicas=1,podDisruptionBudget.enabled=false,selfRestriction.enabled=false",
        "--set=timeoutSeconds=15",
    )
    path = "/webhooks/0/namespaceSelector/matchExpressions/0/values"
    patch = json.dumps([{"op": "replace", "path": path, "value": ["enabled"]}])
    admin.kubectl("patch", _CONFIGURATION, "--type=json", f"--patch={patch}")
    yield


@contextlib.contextmanager
def _one_node(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Have both replicas on one node, as after a drain of the other one."""
    gone = next(pod for pod in replicas(admin) if pod["spec"]["nodeName"] == "n2")
    admin.kubectl("cordon", "n2")
    try:
        admin.kubectl("delete", "pod", gone["metadata"]["name"], namespace=mesh.NAMESPACE)
        rolled_out(admin)
    finally:
        admin.kubectl("uncordon", "n2")
    yield


@contextlib.contextmanager
def _late(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Give our configuration another name, and have an injector of Istio's come before it.

    Whoever asks by the usual name is told the other one.
    """
    injector = admin.cluster.api.items("MutatingWebhookConfiguration")
    first = next(each for each in injector if each["metadata"]["name"] == "istio-sidecar-injector")
    entry = {**first["webhooks"][0], "namespaceSelector": {"matchLabels": {REVISION: "nobody"}}}
    admin.create(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": _EARLY},
            "webhooks": [entry],
        }
    )
    upgrade(admin, f"--set=configuration.name={LATE}")
    told = next(each for each in admin.doctor().report["checks"] if each["name"] == "configuration")
    assert told["status"] == "failed"
    assert told["cure"] == f"source-ip-webhook doctor --configuration {LATE}"
    yield
    admin.kubectl("delete", "mutatingwebhookconfiguration", _EARLY)
    rolled_out(admin)


@contextlib.contextmanager
def _gone(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Delete the configuration."""
    admin.kubectl("delete", _CONFIGURATION)
    yield


@contextlib.contextmanager
def _untrusted(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Publish an authority that issued nothing, and take away the right to put that right."""
    (role,) = (
        each
        for each in admin.cluster.api.items("ClusterRole")
        if any(
            "mutatingwebhookconfigurations" in rule.get("resources", ()) for rule in each["rules"]
        )
        and each["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "webhook"
    )
    _set_rules(admin, role["metadata"]["name"], [])
    other = admin.cluster.api.ca_file.read_bytes()
    patch = json.dumps(
        [
            {
                "op": "replace",
                "path": f"/webhooks/{number}/clientConfig/caBundle",
                "value": base64.b64encode(other).decode(),
            }
            for number in (0, 1)
        ]
    )
    admin.kubectl("patch", _CONFIGURATION, "--type=json", f"--patch={patch}")
    yield
    _set_rules(admin, role["metadata"]["name"], role["rules"])


def _set_rules(admin: Admin, role: str, rules: list[Json]) -> None:
    patch = json.dumps([{"op": "replace", "path": "/rules", "value": rules}])
    admin.kubectl("patch", "clusterrole", role, "--type=json", f"--patch={patch}")


@contextlib.contextmanager
def _expired(_admin: Admin, proxy: Proxy) -> Iterator[None]:
    """Let a year pass for the API server, and none of it for those who renew certificates."""
    proxy.ahead = dt.timedelta(days=366)
    yield
    proxy.ahead = dt.timedelta()


@contextlib.contextmanager
def _ancient(_admin: Admin, proxy: Proxy) -> Iterator[None]:
    """Have an API server that says it is older than what is used."""

    def say(path: str, content: Json) -> None:
        if path == "/version":
            content["gitVersion"] = "v1.29.3"

    proxy.change = say
    yield
    proxy.change = None


@contextlib.contextmanager
def _slow(_admin: Admin, proxy: Proxy) -> Iterator[None]:
    """Have an API server that says that calls take a thousand times as long."""

    def say(path: str, text: bytes) -> bytes:
        if path != "/metrics":
            return text
        return _SECONDS.sub(lambda match: b"%s %f" % (match[1], float(match[2]) * 1000), text)

    proxy.change_text = say
    yield
    proxy.change_text = lambda _path, text: text


_SECONDS: Final = re.compile(
    rb"^(apiserver_admission_webhook_admission_duration_seconds_sum\{.*\}) (\S+)$", re.MULTILINE
)


@contextlib.contextmanager
def _silent(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Let the replicas hang, Pods being refused without them, and Services let through."""
    admin.namespace("waiting", opted="enabled")
    _set_failure_policy(admin, "Fail")
    held = [pid for pod in replicas(admin) for pid in admin.cluster.processes(pod, "webhook")]
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        pod = {
            "metadata": {"generateName": "late-"},
            "spec": workload()["spec"]["template"]["spec"],
        }
        # The change of the policy takes a moment to reach the API server's admission.
        admin.wait_for(
            lambda: (
                admin.cluster.request("POST", "/api/v1/namespaces/waiting/pods", pod).status
                != HTTPStatus.CREATED
            ),
            "Pods to be refused",
        )
        yield
    finally:
        for pid in held:
            os.kill(pid, signal.SIGCONT)
    _set_failure_policy(admin, "Ignore")
    admin.kubectl("delete", "namespace", "waiting", "--wait=false")
    rolled_out(admin)


def _set_failure_policy(admin: Admin, policy: str) -> None:
    """Set what becomes of Pods while nobody answers."""
    patch = json.dumps([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": policy}])
    admin.kubectl("patch", _CONFIGURATION, "--type=json", f"--patch={patch}")


def upgrade(admin: Admin, *flags: str) -> None:
    """Upgrade the release to other values, and wait until its Pods are ready."""
    where = ("--namespace", mesh.NAMESPACE, "--reuse-values", "--wait", "--timeout=2m")
    admin.cluster.helm("upgrade", mesh.RELEASE, str(mesh.CHART), *where, *flags)


def rolled_out(admin: Admin) -> None:
    """Wait until the release's Pods are ready, and none is about to end."""
    admin.kubectl("rollout", "status", _DEPLOYMENT, "--timeout=60s", namespace=mesh.NAMESPACE)
    wait_for(
        lambda: all("deletionTimestamp" not in pod["metadata"] for pod in replicas(admin)),
        60,
        "the former Pods to end",
    )


def replicas(admin: Admin) -> list[Json]:
    """List the Pods of the webhook."""
    return admin.pods(mesh.NAMESPACE, **{"app.kubernetes.io/component": "webhook"})


ROUNDS: Final = (
    Round(
        "labels of namespaces",
        _namespaces,
        fails=frozenset({"label-values"}),
        warns=frozenset(
            {
                "injection-labels",
                "injection",
                "pod-security",
                "ambient",
                "gateways",
                "system-namespaces",
                "cilium-l2",
            }
        ),
        typed=frozenset(
            {
                "label-values",
                "injection-labels",
                "injection",
                "pod-security",
                "ambient",
                "gateways",
                "system-namespaces",
                "cilium-l2",
            }
        ),
    ),
    Round(
        "settings of the mesh",
        _mesh,
        fails=frozenset({"istio", "inbound-traffic-policy", "probe-plain"}),
        warns=frozenset({"interception", "mesh-mode", "sidecars", "other-webhooks"}),
    ),
    Round(
        "values of the chart",
        _values,
        fails=frozenset({"registration"}),
        warns=frozenset({"replicas", "disruption-budget", "self-restriction", "failure-policy"}),
        typed=frozenset(
            {
                "registration",
                "replicas",
                "disruption-budget",
                "self-restriction",
                "failure-policy",
            }
        ),
    ),
    Round("one node", _one_node, warns=frozenset({"spread"}), typed=frozenset({"spread"})),
    Round(
        "a late name",
        _late,
        fails=frozenset({"order"}),
        typed=frozenset({"order"}),
        flags=("--configuration", LATE),
    ),
    Round(
        "no configuration",
        _gone,
        fails=frozenset({"configuration", "probe-pod", "probe-service"}),
        typed=frozenset({"configuration"}),
    ),
    Round("an authority that issued nothing", _untrusted, fails=frozenset({"ca-bundle"})),
    Round(
        "a certificate of last year",
        _expired,
        fails=frozenset({"certificate"}),
        seen_by_proxy=True,
    ),
    Round(
        "an old API server",
        _ancient,
        fails=frozenset({"api-server-version"}),
        seen_by_proxy=True,
    ),
    Round("slow calls", _slow, warns=frozenset({"latency"}), seen_by_proxy=True),
    Round(
        "nobody answers",
        _silent,
        fails=frozenset({"fail-open", "rejections", "probe-service"}),
    ),
)
"""Everything that doctor can find, in an order in which each round leaves the cluster well."""

INFORMATION: Final = frozenset({"kube-proxy", "terway", "metallb"})
"""Checks that only say what there is."""
