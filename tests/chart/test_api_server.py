"""The chart on a real API server, which is the judge of every object in it."""

import base64
import json
import re
import shlex
from http import HTTPStatus

import pytest

from tests.chart.conftest import DEADLINE, RESTRICTED
from tests.chart.helm import NAMESPACE, Cluster, Json, Rendered
from tests.chart.test_install_pages import FOLDER
from tests.chart.value_sets import NAMES, rendered, values
from tests.controlplane import ControlPlane

pytestmark = pytest.mark.e2e
every_set = pytest.mark.parametrize("name", NAMES)

FULL_NAME = "x-source-ip-webhook"
CONFIGURATION = "0-source-ip-webhook"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{FULL_NAME}"
OWNER = "the service"
"""Field manager of what the running service writes."""


@every_set
def test_api_server_takes_it(plane: ControlPlane, name: str) -> None:
    """Every object of a render, and the Pod of ``helm test``, passes the API's own validation."""
    render = rendered(name)

    for thing in [*render.objects, *render.test_pods]:
        assert plane.api.apply(thing, dry_run=True)["kind"] == thing["kind"]


@every_set
def test_pod_security_restricted(plane: ControlPlane, name: str) -> None:
    """A namespace that enforces "restricted" admits the Pods, but for the nodes' network."""
    refused = []
    for number, pod in enumerate(_pods(rendered(name))):
        pod["metadata"].update(name=f"pod-{number}", namespace=RESTRICTED)
        path = f"/api/v1/namespaces/{RESTRICTED}/pods?dryRun=All"
        answer = plane.request("POST", path, pod)
        refused += [answer.json()["message"]] if answer.status != HTTPStatus.CREATED else []

    if name != "host-network":
        assert refused == []
    else:
        (words,) = refused
        assert words.endswith(
            'violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true), '
            'hostPort (container "webhook" uses hostPorts 9080, 9443)'
        )


def test_release(plane: ControlPlane) -> None:
    """Upgrades keep what the service wrote, its rights are the least, and uninstalling removes all.

    Installed by Helm itself, as default values and then as other ones; at last it goes back by one
    revision, which keeps as much.
    """
    before = _everything(plane)
    helm = Cluster(plane.kubeconfig)
    helm.apply()
    _check_rights(plane)
    _write_as_service(plane)

    for name in ("default", "every-flag", "managed-tls", "default"):
        helm.apply(values(name))
        _check_kept(plane, name)

    helm.roll_back()
    _check_kept(plane, "managed-tls")

    helm.uninstall()
    assert _everything(plane) == before


def test_emergency_step(plane: ControlPlane) -> None:
    """The page about alerts has a command that lets everybody go on, and needs no checkout."""
    helm = Cluster(plane.kubeconfig)
    helm.apply({"failurePolicy": "Fail"})
    _, _, entry = (FOLDER / "alerts.md").read_text().partition("### SourceIPWebhookFailingClosed")
    found = re.search(r"^\$ (kubectl .*?)^```$", entry, re.DOTALL | re.MULTILINE)
    assert found is not None
    before, command = _policies(plane), shlex.split(found[1])

    plane.kubectl(*command[1:])

    assert set(before) == {"Fail"}
    assert _policies(plane) == ["Ignore"] * len(before)
    helm.uninstall()


def _check_kept(plane: ControlPlane, name: str) -> None:
    """See that what the service wrote is there, and that it is told what a set of values says."""
    secret = plane.get("Secret", f"{FULL_NAME}-tls", NAMESPACE)
    assert secret["data"] == {"tls.key": base64.b64encode(b"kept").decode()}
    hooks = plane.get("MutatingWebhookConfiguration", CONFIGURATION)["webhooks"]
    bundles = [base64.b64decode(hook["clientConfig"]["caBundle"]) for hook in hooks]
    assert bundles == [b"pods", b"services"]
    pod = plane.get("Deployment", FULL_NAME, NAMESPACE)["spec"]["template"]
    assert pod["spec"]["containers"][0]["args"] == rendered(name).container["args"]


def _policies(plane: ControlPlane) -> list[str]:
    found = plane.get("MutatingWebhookConfiguration", CONFIGURATION)
    return [webhook["failurePolicy"] for webhook in found["webhooks"]]


def _check_rights(plane: ControlPlane) -> None:
    """Ask the API server what the service may do."""
    # The authorizer hears of new roles a moment later.
    plane.wait_for(lambda: _may(plane, "create secrets"), DEADLINE, "the rights to be in force")
    for right in (
        "get namespaces",
        "list namespaces",
        "watch namespaces",
        f"get mutatingwebhookconfigurations/{CONFIGURATION}",
        f"watch mutatingwebhookconfigurations/{CONFIGURATION}",
        f"patch mutatingwebhookconfigurations/{CONFIGURATION}",
        f"get secrets/{FULL_NAME}-tls",
        f"patch secrets/{FULL_NAME}-tls",
        "create secrets",
    ):
        assert _may(plane, right), right
    for wrong in (
        "patch namespaces",
        "get pods",
        "list mutatingwebhookconfigurations",
        "create mutatingwebhookconfigurations",
        f"update mutatingwebhookconfigurations/{CONFIGURATION}",
        f"delete mutatingwebhookconfigurations/{CONFIGURATION}",
        "patch mutatingwebhookconfigurations/istio-sidecar-injector",
        "list secrets",
        "get secrets/another",
        f"delete secrets/{FULL_NAME}-tls",
        "create secrets in default",
        f"get secrets/{FULL_NAME}-tls in default",
    ):
        assert not _may(plane, wrong), wrong


def _may(plane: ControlPlane, action: str) -> bool:
    """Ask whether the account may do something, as in "get secrets/another in default"."""
    what, _, namespace = action.partition(" in ")
    verb, _, target = what.partition(" ")
    resource, _, name = target.partition("/")
    attributes = {"verb": verb, "resource": resource, "name": name}
    if resource == "mutatingwebhookconfigurations":
        attributes["group"] = "admissionregistration.k8s.io"
    elif resource != "namespaces":
        attributes["namespace"] = namespace or NAMESPACE
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}"]
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": ACCOUNT,
            "groups": [*groups, "system:authenticated"],
            "resourceAttributes": attributes,
        },
    }
    answer = plane.api.json("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    allowed: bool = answer["status"]["allowed"]
    return allowed


def _write_as_service(plane: ControlPlane) -> None:
    """Do, with the rights of its ServiceAccount, what the service does when it runs."""
    as_service = (f"--as={ACCOUNT}", f"--field-manager={OWNER}", "--type=json", "-p")
    key = base64.b64encode(b"kept").decode()
    fill = [{"op": "add", "path": "/data", "value": {"tls.key": key}}]
    publish = [
        {
            "op": "add",
            "path": f"/webhooks/{number}/clientConfig/caBundle",
            "value": base64.b64encode(half).decode(),
        }
        for number, half in enumerate((b"pods", b"services"))
    ]
    plane.kubectl(
        *("patch", "secret", f"{FULL_NAME}-tls", *as_service, json.dumps(fill)),
        namespace=NAMESPACE,
    )
    plane.kubectl(
        *("patch", "mutatingwebhookconfiguration", CONFIGURATION, *as_service),
        json.dumps(publish),
    )


def _everything(plane: ControlPlane) -> set[tuple[str, str]]:
    """Name every object of the kinds that the chart can make."""
    kinds = {thing["kind"] for name in NAMES for thing in rendered(name).objects}
    return {
        (kind, thing["metadata"]["name"]) for kind in kinds for thing in plane.api.items(kind, None)
    }


def _pods(render: Rendered) -> list[Json]:
    """Make the Pods that Deployment, ``helm test`` and CronJob make."""
    header: Json = {"apiVersion": "v1", "kind": "Pod"}
    return [json.loads(json.dumps({**header, **pod})) for pod in render.pods]
