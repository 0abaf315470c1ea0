"""What a program in a container sees is what its Pod says, and what a node would give it."""

import base64
from typing import Any

import pytest

from tests.kubelet.workload import DEADLINE, JsonObject, Workload

pytestmark = pytest.mark.e2e


def secret(**data: str) -> JsonObject:
    """Make a Secret named configuration."""
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "configuration"},
        "data": encoded,
    }


def with_secret(web: Workload) -> None:
    """Deploy with that Secret as a volume."""
    volume = {"name": "files", "secret": {"secretName": "configuration"}}
    mount = {"name": "files", "mountPath": "/etc/program"}
    web.deploy(pod={"volumes": [volume]}, volumeMounts=[mount])


def seen(web: Workload, pod: JsonObject) -> dict[str, Any]:
    """Return what the program in a Pod sees."""
    answer: dict[str, Any] = web.ask(pod)
    return answer


def test_environment(web: Workload) -> None:
    """Variables have literal values, fields of the Pod and references; Services are named too."""
    variables = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)2$(NONE)$$(A)"},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "SPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
    ]
    web.deploy(env=variables, args=["--name=$(NAME)"])
    pod = web.started()

    name, answer = pod["metadata"]["name"], seen(web, pod)

    environment = answer["environment"]
    assert (environment["A"], environment["B"]) == ("1", "12$(NONE)$(A)")
    assert environment["NAME"] == environment["HOSTNAME"] == answer["hostname"] == name
    assert environment["SPACE"] == web.namespace
    assert environment["ADDRESS"] == pod["status"]["podIP"]
    assert environment["APP"] == "web"
    assert environment["WEB_PORT"] == f"tcp://{environment['WEB_SERVICE_HOST']}:80"
    assert answer["arguments"] == [f"--name={name}"]


def test_no_service_links(web: Workload) -> None:
    """A Pod may refuse the variables that name Services; that of the API server stays."""
    web.deploy(pod={"enableServiceLinks": False})

    environment = seen(web, web.started())["environment"]

    assert not [name for name in environment if name.startswith("WEB_")]
    assert environment["KUBERNETES_SERVICE_HOST"] in web.plane.server


def test_identity(web: Workload) -> None:
    """User, groups and a read-only root are the Pod's; only a volume can be written to."""
    web.deploy(
        pod={
            "securityContext": {"runAsUser": 65532, "runAsNonRoot": True, "fsGroup": 2000},
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
        volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}],
        securityContext={
            "runAsGroup": 65531,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    )

    answer = seen(web, web.started())

    assert (answer["user"], answer["group"]) == (65532, 65531)
    assert 2000 in answer["groups"]
    assert answer["writable"] == ["/scratch"]


def test_root(web: Workload) -> None:
    """Without a securityContext a container is root, and may write to its own file system only."""
    web.deploy()

    answer = seen(web, web.started())

    assert answer["user"] == 0
    assert answer["writable"] == ["/", "/tmp"]  # noqa: S108 - the container's


def test_secret_is_kept_up_to_date(web: Workload) -> None:
    """A changed Secret is seen by the process that runs: `..data` leads elsewhere, files change."""
    web.apply(secret(kept="1", dropped="2"))
    with_secret(web)
    pod = web.started()
    before = seen(web, pod)

    web.apply(secret(kept="3", added="4"))
    web.kubelet.wait_for(
        lambda: seen(web, pod)["configuration"] == {"kept": "3", "added": "4"},
        DEADLINE,
        "the change",
    )

    assert before["configuration"] == {"kept": "1", "dropped": "2"}
    assert before["data"] != seen(web, pod)["data"]
    assert web.restarts(pod) == 0


def test_secret_is_waited_for(web: Workload) -> None:
    """A Pod whose Secret does not exist waits, says for what, and starts when it is there."""
    with_secret(web)

    def message() -> str | None:
        for pod in web.kubelet.pods(web.namespace):
            for state in pod["status"].get("containerStatuses", ()):
                text: str = state["state"]["waiting"].get("message", "")
                return text
        return None

    assert web.kubelet.wait_for(message, DEADLINE, "the reason") == (
        "Secret configuration not found"
    )
    web.apply(secret(late="1"))
    assert seen(web, web.started())["configuration"] == {"late": "1"}


def test_token_has_the_rights_of_the_account(web: Workload) -> None:
    """A client library in a Pod is its ServiceAccount, with the rights of that and no others."""
    kubectl, space = web.plane.kubectl, web.namespace
    kubectl("create", "serviceaccount", "reader", namespace=space)
    kubectl("create", "role", "reader", "--verb=list", "--resource=secrets", namespace=space)
    kubectl(
        *("create", "rolebinding", "reader", "--role=reader"),
        f"--serviceaccount={space}:reader",
        namespace=space,
    )
    web.apply(secret(any="1"))
    web.deploy(pod={"serviceAccountName": "reader", "securityContext": {"runAsUser": 65532}})
    pod = web.started()

    assert web.ask(pod, f"/secrets/{space}") == {"status": 200, "names": ["configuration"]}
    refused = web.ask(pod, "/secrets/kube-system")

    assert refused["status"] == 403
    assert f'User "system:serviceaccount:{space}:reader" cannot list' in refused["message"]
