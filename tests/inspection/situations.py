"""What can be wrong with existing Pods and Services, each made so in a real mesh.

Some is older than the chart, some older than the label, some came later; so a namespace is made of
up to three steps, and the table says which objects are wrong in which way.
"""

import dataclasses
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from tests.inspection.admin import Admin, load_balancer, workload
from webhook.labels import INTERCEPTION_MODE, NAMESPACE_INJECTION, PROXY_CONFIG

Json = dict[str, Any]

NO_RIGHTS: Final = "unprivileged"
"""A template of the injector's that an admin of the mesh adds, whose proxy is an ordinary user."""
MESH: Final = {
    "apiVersion": "install.istio.io/v1alpha1",
    "kind": "IstioOperator",
    "spec": {
        "values": {
            "sidecarInjectorWebhook": {
                "templates": {
                    NO_RIGHTS: json.dumps(
                        {
                            "spec": {
                                "initContainers": [
                                    {
                                        "name": "istio-proxy",
                                        "securityContext": {"runAsUser": 1337},
                                    }
                                ]
                            }
                        }
                    )
                }
            }
        }
    },
}
"""What the situations need of the mesh, for ``istioctl install -f``."""

OLD, WEBHOOK, PLAIN, OPTED = "old", "installed", "plain", "opted"
OLD_EDGE, WEBHOOK_EDGE, EDGE, EMPTY, SINGLE = (
    "old-edge",
    "installed-edge",
    "edge",
    "empty",
    "single",
)
GATE = "gate"
_OF_GATEWAY: Final = {"istio": "gate"}
_SLEEP: Final = "docker.io/curlimages/curl:latest"
_CONFIGURATION: Final = "mutatingwebhookconfiguration/0-source-ip-webhook"


@dataclasses.dataclass(frozen=True)
class Situation:
    """One object that is wrong.

    Attributes:
        namespace: Where it is.
        owner: Who has to be acted on, by kind and name.
        reason: The word of what is wrong.
    """

    namespace: str
    owner: str
    reason: str

    def __str__(self) -> str:
        """Name it for pytest."""
        return f"{self.owner.replace('/', '-').lower()}-{self.reason}"


SITUATIONS: Final = (
    Situation(OLD, "Deployment/app", "created-before-label"),
    Situation(OLD, "StatefulSet/state", "created-before-label"),
    Situation(OLD, "DaemonSet/agent", "created-before-label"),
    Situation(OLD, "ReplicaSet/set", "created-before-label"),
    Situation(OLD, "Job/job", "created-before-label"),
    Situation(OLD, "Pod/applied", "created-before-label"),
    Situation(OLD, "Pod/created", "created-before-label"),
    Situation(OLD, "Deployment/annotated", "annotation-without-effect"),
    Situation(WEBHOOK, "Deployment/app", "created-before-webhook"),
    Situation(PLAIN, "Deployment/app", "no-sidecar"),
    Situation(OPTED, "Deployment/slipped", "missed"),
    Situation(OPTED, "Deployment/powerless", "proxy-not-privileged"),
    Situation(OPTED, "Deployment/broken", "crash-looping"),
    Situation(OPTED, "Deployment/redirect", "explicit-mode"),
    Situation(OPTED, "Deployment/configured", "proxy-config-mode"),
    Situation(OPTED, "Deployment/own-proxy", "proxy-security-context"),
    Situation(OLD_EDGE, "Service/edge", "created-before-label"),
    Situation(WEBHOOK_EDGE, "Service/edge", "created-before-webhook"),
    Situation(EDGE, "Service/slipped", "missed"),
    Situation(EDGE, "Service/explicit", "explicit-cluster"),
    Situation(EDGE, "Service/switched", "switched-back"),
    Situation(EDGE, "Service/by-hand", "local-harms"),
    Situation(EMPTY, "Service/edge", "no-ready-endpoint"),
    Situation(SINGLE, "Service/edge", "one-node"),
    Situation(GATE, "Namespace/gate", "gateway-not-opted-in"),
)
"""What is found, once all is made."""


def make_before_chart(admin: Admin) -> None:
    """Make what is there before anybody thinks of installing the chart."""
    for name in (OLD, OPTED):
        admin.namespace(name)
    admin.namespace(PLAIN, injected=False)
    for name in (OLD_EDGE, EDGE, EMPTY, SINGLE, GATE):
        admin.namespace(name, injected=False)
    admin.namespace(WEBHOOK, opted="enabled")
    admin.namespace(WEBHOOK_EDGE, injected=False, opted="north-south")
    for name in (OLD_EDGE, WEBHOOK_EDGE, EDGE):
        admin.create(workload("edge", runs=True, replicas=2), namespace=name)
    admin.create(workload("edge", runs=True, replicas=0), namespace=EMPTY)
    admin.create(workload("edge", runs=True), namespace=SINGLE)
    admin.create(workload(), workload("annotated"), *_of_other_kinds(), namespace=OLD)
    admin.apply(_bare("applied"), namespace=OLD)
    admin.create(workload(), namespace=WEBHOOK)
    admin.create(workload(), namespace=PLAIN)
    for name in (OLD_EDGE, WEBHOOK_EDGE):
        admin.create(load_balancer(), namespace=name)
    gate = workload("edge", runs=True, replicas=2, labels=_OF_GATEWAY)
    admin.create(gate, load_balancer(selector=_OF_GATEWAY), namespace=GATE)


def make_after_chart(admin: Admin) -> None:
    """Label, and make what is there from then on."""
    for name in (OLD, PLAIN, OPTED):
        admin.opt_in(name)
    for name in (OLD_EDGE, EDGE, EMPTY, SINGLE):
        admin.opt_in(name, "north-south")
    admin.kubectl("label", "namespace", PLAIN, f"{NAMESPACE_INJECTION}=enabled")
    wanted = f"{INTERCEPTION_MODE}=TPROXY"
    admin.kubectl("annotate", "pods", "--selector=app=annotated", wanted, namespace=OLD)
    while_nobody_matches(admin, _slip)
    config = json.dumps({"interceptionMode": "REDIRECT"})
    admin.create(
        workload("powerless", annotations={"inject.istio.io/templates": f"sidecar,{NO_RIGHTS}"}),
        workload("broken", runs=True, containers=[_failing()]),
        workload("redirect", annotations={INTERCEPTION_MODE: "REDIRECT"}),
        workload("configured", annotations={PROXY_CONFIG: config}),
        workload("own-proxy", containers=[_app(), _own_proxy()]),
        namespace=OPTED,
    )
    everybody = {"app": "edge"}
    admin.apply(load_balancer("explicit", "Cluster", selector=everybody), namespace=EDGE)
    by_hand = load_balancer("by-hand", "Local")
    del by_hand["spec"]["selector"]
    admin.create(load_balancer("switched", selector=everybody), by_hand, namespace=EDGE)
    admin.pass_a_second()
    back = json.dumps({"spec": {"externalTrafficPolicy": "Cluster"}})
    admin.kubectl("patch", "service", "switched", "-p", back, namespace=EDGE)
    for name in (EMPTY, SINGLE):
        admin.create(load_balancer(), namespace=name)
    admin.create(*_routes(), namespace=EDGE)


def is_made(admin: Admin) -> bool:
    """Tell whether the states that take time have come about: Pods run, and one keeps ending."""
    edges = (OLD_EDGE, WEBHOOK_EDGE, EDGE, GATE, SINGLE)
    ready = [admin.ready_endpoints(name) for name in edges]
    return bool(back_offs(admin)) and ready == [2, 2, 2, 2, 1]


def back_offs(admin: Admin) -> dict[str, int]:
    """Return the containers that wait to be started again, each with how often that was done.

    The same answer before and after something says that they have waited all the time: between two
    back-offs a container runs, ends, and does not show at each moment that it keeps ending.
    """
    return {
        f"{pod['metadata']['name']}/{status['name']}": status["restartCount"]
        for pod in admin.pods(OPTED, app="broken")
        for status in pod.get("status", {}).get("containerStatuses", ())
        if status.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
    }


def while_nobody_matches(admin: Admin, act: Callable[[Admin], None]) -> None:
    """Do something while the configuration's selectors match no object, as a typo makes them."""
    before = admin.kubectl("get", _CONFIGURATION, "-o", "json")
    nobody = {"matchLabels": {"nobody": "has-this"}}
    paths = [f"/webhooks/{number}/objectSelector" for number in (0, 1)]
    _replace(admin, dict.fromkeys(paths, nobody))
    admin.wait_for(lambda: not _gets_setting(admin), "the selectors to be in force")
    act(admin)
    webhooks = json.loads(before)["webhooks"]
    _replace(
        admin, {path: each["objectSelector"] for path, each in zip(paths, webhooks, strict=True)}
    )
    admin.wait_for(lambda: _gets_setting(admin), "the selectors to be in force again")


def _slip(admin: Admin) -> None:
    admin.create(workload("slipped"), namespace=OPTED)
    admin.create(load_balancer("slipped", selector={"app": "edge"}), namespace=EDGE)
    admin.wait_for(lambda: admin.pods(OPTED, app="slipped"), "the Pod")


def _replace(admin: Admin, values: dict[str, Any]) -> None:
    operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    admin.kubectl("patch", _CONFIGURATION, "--type=json", f"--patch={json.dumps(operations)}")


def _gets_setting(admin: Admin) -> bool:
    """Tell by a dry run whether a Pod would get the setting now."""
    path = f"/api/v1/namespaces/{OPTED}/pods?dryRun=All"
    answer = admin.cluster.request("POST", path, _bare("probe"))
    return answer.status == HTTPStatus.CREATED and "TPROXY" in answer.data.decode()


def _of_other_kinds() -> tuple[Json, ...]:
    """Write workloads of all other kinds, and a Pod of nobody's."""
    replica_set = workload("set", "ReplicaSet")
    job = workload("job", "Job")
    job["apiVersion"] = "batch/v1"
    del job["spec"]["selector"]
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    return (
        workload("state", "StatefulSet", runs=True),
        workload("agent", "DaemonSet", runs=True),
        replica_set,
        job,
        _bare("created"),
    )


def _bare(name: str) -> Json:
    """Write a Pod that nobody owns."""
    template = workload(name)["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": name},
        "spec": template["spec"],
    }


def _routes() -> tuple[Json, ...]:
    """Write how the gateway leads to an application."""
    istio = {"apiVersion": "networking.istio.io/v1"}
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    destination = {"destination": {"host": "edge", "port": {"number": 80}}}
    return (
        {
            **istio,
            "kind": "Gateway",
            "metadata": {"name": "gate"},
            "spec": {"selector": _OF_GATEWAY, "servers": [server]},
        },
        {
            **istio,
            "kind": "VirtualService",
            "metadata": {"name": "edge"},
            "spec": {"hosts": ["*"], "gateways": ["gate"], "http": [{"route": [destination]}]},
        },
    )


def _app() -> Json:
    """Write a container that does nothing."""
    container: Json = workload()["spec"]["template"]["spec"]["containers"][0]
    return container


def _failing() -> Json:
    """Write a container that ends as soon as it begins."""
    return {**_app(), "image": _SLEEP, "command": ["false"]}


def _own_proxy() -> Json:
    """Write what the template says of the container that Istio is going to add."""
    return {"name": "istio-proxy", "image": "auto", "securityContext": {"runAsUser": 1234}}
