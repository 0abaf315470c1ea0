"""Only the API server may call: a real one that is told to show a certificate, and one that is not.

docs/operation.md says how an admin tells it; the files here are the ones of that page.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.controlplane.ports import free_port
from tests.e2e.conftest import DEADLINE
from tests.e2e.own_webhook import LABEL, OWN_LABEL, Webhook
from tests.e2e.webhook_with_files import WebhookWithFiles

pytestmark = pytest.mark.e2e

AUTHORITY, OTHER = trustme.CA(), trustme.CA()
NAMESPACE = "callers"
CLIENT_NAME = "SOURCE_IP_WEBHOOK_CLIENT_NAME"
CALLING = 'Internal error occurred: failed calling webhook "pods.source-ip-webhook.io": '
REASON = 'handshakes_failed_total{{reason="{}"}}'


def told_to_authenticate(folder: Path, port: int) -> Path:
    """Write what tells an API server to show a certificate to the webhook at a port."""
    leaf = AUTHORITY.issue_cert(common_name="kube-apiserver")
    leaf.private_key_pem.write_to_path(folder / "client.key")
    leaf.cert_chain_pems[0].write_to_path(folder / "client.crt")
    user = {"client-certificate": "client.crt", "client-key": "client.key"}
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{"name": f"127.0.0.1:{port}", "user": user}],
    }
    (folder / "webhooks.kubeconfig").write_text(json.dumps(kubeconfig))
    admission = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [
            {
                "name": "MutatingAdmissionWebhook",
                "configuration": {
                    "apiVersion": "apiserver.config.k8s.io/v1",
                    "kind": "WebhookAdmissionConfiguration",
                    "kubeConfigFile": str(folder / "webhooks.kubeconfig"),
                },
            }
        ],
    }
    (folder / "admission.yaml").write_text(json.dumps(admission))
    return folder / "admission.yaml"


@pytest.fixture(scope="module")
def known_port() -> int:
    """Where the webhook listens to which the API server shows its certificate."""
    return free_port()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, known_port: int) -> Iterator[ControlPlane]:
    """A control plane whose API server has a client certificate for one webhook."""
    folder = tmp_path_factory.mktemp("callers")
    admission = told_to_authenticate(folder, known_port)
    with skipped_without_binaries():
        described = ControlPlane(
            folder / "plane",
            controllers=False,
            apiserver_args=[f"--admission-control-config-file={admission}"],
        )
    with described as running:
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {LABEL: "enabled"}},
        }
        running.api.json("POST", "/api/v1/namespaces", namespace)
        yield running


@pytest.fixture
def process(plane: ControlPlane, tmp_path: Path) -> Iterator[WebhookWithFiles]:
    """A process that serves nobody but the API server; its port is still to be chosen."""
    AUTHORITY.cert_pem.write_to_path(tmp_path / "callers.crt")
    environment = {
        **OWN_LABEL,
        "SOURCE_IP_WEBHOOK_CLIENT_CA": str(tmp_path / "callers.crt"),
        CLIENT_NAME: "kube-apiserver",
    }
    process = WebhookWithFiles(tmp_path, plane.kubeconfig, environment)
    yield process
    process.stop()


def refused(webhook: Webhook, reason: str) -> str:
    """Wait until the API server is refused for a reason; return what its user is told."""
    plane, process = webhook.plane, webhook.process
    plane.wait_for(
        lambda: (
            webhook.create("refused", query="?dryRun=All").status == 500
            and process.metric(REASON.format(reason)) > 0
        ),
        DEADLINE,
        f"a handshake to fail for {reason}",
    )
    answer = webhook.create("refused")
    told: list[dict[str, Any]] = []

    def is_told() -> bool:
        told[:] = [each for each in process.events("handshake-failed") if each["reason"] == reason]
        return bool(told)

    plane.wait_for(is_told, DEADLINE, "the line of the log")
    event = told[0]

    assert answer.status == 500
    assert event["client"].startswith("127.0.0.1:")
    process.wait_until_ready()
    assert not process.decisions(NAMESPACE)
    return answer.message


def test_api_server_with_its_certificate_is_served(
    plane: ControlPlane, process: WebhookWithFiles, known_port: int
) -> None:
    """Calls succeed, and the service is ready, as if nothing had been asked of anybody."""
    process.port = known_port
    process.start()
    webhook = Webhook(plane, process, NAMESPACE, "Fail")
    webhook.register()
    webhook.wait_until_it_works()

    assert webhook.create("served").mode == "TPROXY"
    process.wait_until_ready()
    webhook.unregister()


def test_api_server_without_a_certificate_is_refused(
    plane: ControlPlane, process: WebhookWithFiles
) -> None:
    """It has none for this webhook; under Fail its users are told, under Ignore they go without."""
    process.start()
    webhook = Webhook(plane, process, NAMESPACE, "Fail")
    webhook.register()
    message = refused(webhook, "client-certificate-missing")
    webhook.policy = "Ignore"
    webhook.register()
    plane.wait_for(
        lambda: webhook.create("probe", query="?dryRun=All").status == 201, DEADLINE, "Ignore"
    )

    assert message.startswith(CALLING)
    assert webhook.create("without").mode is None
    webhook.unregister()


@pytest.mark.parametrize(
    ("authority", "name", "reason"),
    [
        (OTHER, "kube-apiserver", "client-certificate-untrusted"),
        (AUTHORITY, "somebody", "client-name"),
    ],
)
def test_api_server_with_another_certificate_is_refused(  # noqa: PLR0917  a table and its fixtures
    plane: ControlPlane,
    process: WebhookWithFiles,
    known_port: int,
    authority: trustme.CA,
    name: str,
    reason: str,
) -> None:
    """Its authority and its name both count."""
    authority.cert_pem.write_to_path(process.folder / "callers.crt")
    process.environment[CLIENT_NAME] = name
    process.port = known_port
    process.start()
    webhook = Webhook(plane, process, NAMESPACE, "Fail")
    webhook.register()
    message = refused(webhook, reason)
    webhook.unregister()

    assert message.startswith(CALLING)


def test_authority_can_be_replaced_while_calls_go_on(
    plane: ControlPlane, process: WebhookWithFiles, known_port: int
) -> None:
    """The file may hold two for a while; when the first one goes, its holders do."""
    process.port = known_port
    process.start()
    webhook = Webhook(plane, process, NAMESPACE, "Fail")
    webhook.register()
    webhook.wait_until_it_works()
    file, both = process.folder / "callers.crt", OTHER.cert_pem.bytes() + AUTHORITY.cert_pem.bytes()
    file.write_bytes(both)
    plane.wait_for(
        lambda: len(process.events("client-authorities-reloaded")) == 1, DEADLINE, "both to be read"
    )
    assert webhook.create("during").mode == "TPROXY"
    file.write_bytes(OTHER.cert_pem.bytes())
    plane.wait_for(
        lambda: len(process.events("client-authorities-reloaded")) == 2, DEADLINE, "one to be read"
    )
    # The connection that is open stays so; a new bundle is a new client, and a new handshake.
    webhook.register(ca=process.ca + b"\n")
    plane.wait_for(
        lambda: webhook.create("after", query="?dryRun=All").status == 500, DEADLINE, "a refusal"
    )
    plane.wait_for(
        lambda: (
            [each["reason"] for each in process.events("handshake-failed")][-1:]
            == ["client-certificate-untrusted"]
        ),
        DEADLINE,
        "the line of the log",
    )
    webhook.unregister()
