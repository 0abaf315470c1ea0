"""What users and admins see when the webhook is slow, down, wrongly certified or wrong.

Each row of FAULTS is tried under both failure policies; docs/failures.md is this folder for admins.
"""

import contextlib
import dataclasses
import datetime as dt
import json
import re
import signal
from pathlib import Path

import pytest
import urllib3

from certs.authority import Authority
from tests.e2e.conftest import DEADLINE, bare_pod
from tests.e2e.failures.faults import (
    Fault,
    certified,
    hung,
    killed,
    on_the_plain_port,
    raising,
    registered,
    small,
    stopped,
)
from tests.e2e.failures.policies import CALLING, NAME, both_policies, only_fail, only_ignore
from tests.e2e.objects import mode
from tests.e2e.own_webhook import OWN_LABEL, Webhook
from tests.e2e.webhook_with_files import WebhookWithFiles
from tests.webhook_process import read_sample

pytestmark = pytest.mark.e2e

LARGEST = 3 * 1024 * 1024
"""Bytes of the largest request that the API server takes."""

STRANGER = Authority.create(
    "stranger", now=dt.datetime.now(dt.UTC), lifetime=dt.timedelta(days=1)
).certificate_pem

FAULTS = [
    Fault("hung", hung, "context deadline exceeded"),
    Fault("down", killed, "connect: connection refused"),
    Fault("plain-port", on_the_plain_port, "server gave HTTP response to HTTPS client"),
    Fault("foreign-bundle", registered(ca=STRANGER), "certificate signed by unknown authority"),
    Fault("empty-bundle", registered(ca=b""), "certificate signed by unknown authority"),
    Fault("garbage-bundle", registered(ca=b"?"), "unable to parse bytes as PEM block"),
    Fault("expired", certified("127.0.0.1", days_ago=2), "certificate has expired"),
    Fault(
        "not-yet-valid",
        certified("127.0.0.1", days_ago=-1),
        "has expired or is not yet valid: current",
    ),
    Fault("other-address", certified("10.0.0.1"), "is valid for 10.0.0.1, not 127.0.0.1"),
    Fault("no-address", certified("x.svc"), "127.0.0.1 because it doesn't contain any IP SANs"),
    Fault(
        "wrong-path", registered(path="/x"), "Nothing is served at /x; reviews go to POST /mutate."
    ),
    Fault(
        "old-version",
        registered(versions=("v1beta1",)),
        "Invalid enum value 'admission.k8s.io/v1beta1'",
    ),
    Fault("body-limit", small, "which no review of an object that Kubernetes accepts can be."),
    Fault("our-error", raising, "The webhook failed at this review; its log says why."),
]


def test_page_for_admins_has_every_fault() -> None:
    """docs/failures.md quotes each message, and names tests that there are."""
    page = (Path(__file__).parents[3] / "docs" / "failures.md").read_text()
    folder = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    tests = set(re.findall(r"`(test_\w+)", page))

    assert all(fault.message in page and f"`test_fault[{fault.name}]`" in page for fault in FAULTS)
    assert tests == set(re.findall(r"^def (test_\w+)", folder, re.MULTILINE)) - {
        "test_page_for_admins_has_every_fault"
    }


@both_policies
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(webhook: Webhook, fault: Fault) -> None:
    """Ignore creates Pods as written and tells only the audit log; Fail refuses and says why."""
    with fault.inflict(webhook):
        answer = webhook.create("during")
    created = webhook.plane.find("Pod", "during", webhook.namespace)
    webhook.wait_until_it_works()

    if webhook.policy == "Ignore":
        assert (answer.status, answer.mode) == (201, None)
        assert created is not None
        assert mode(created) is None
        assert "Warning" not in answer.response.headers
        assert answer.failed_open() == [NAME]
    else:
        assert (answer.status, created) == (500, None)
        assert answer.message.startswith(CALLING)
        assert fault.message in answer.message
        assert answer.failed_open() == []
        assert answer.audit()["responseStatus"]["message"] == answer.message
    assert webhook.create("after").mode == "TPROXY"


@both_policies
def test_caller_who_waits_less_than_the_configuration(webhook: Webhook) -> None:
    """A caller whose own timeout ends first gets no Pod, not under Ignore either."""
    with stopped(webhook), contextlib.suppress(urllib3.exceptions.HTTPError):
        # The API server answers 504 or 500, or closes the connection: whichever is first.
        assert webhook.create("p", query="?timeout=1s").status in {500, 504}

    assert webhook.plane.find("Pod", "p", webhook.namespace) is None


@both_policies
def test_api_server_counts_and_logs(webhook: Webhook) -> None:
    """The API server's own metrics and log name the webhook that it could not call."""
    samples = {
        "Ignore": f'apiserver_admission_webhook_fail_open_count{{name="{NAME}",type="admit"}}',
        "Fail": "apiserver_admission_webhook_rejection_count{"
        f'error_type="calling_webhook_error",name="{NAME}",operation="CREATE",'
        'rejection_code="503",type="admit"}',
    }
    words = {"Ignore": f"failing open {NAME}", "Fail": f"failing closed {NAME}"}

    def count() -> float:
        return read_sample(webhook.plane.request("GET", "/metrics").data, samples[webhook.policy])

    before = count()
    with killed(webhook):
        webhook.create("p")

    assert count() > before
    assert words[webhook.policy] in (
        webhook.plane.audit_log.with_name("kube-apiserver.log").read_text()
    )


@pytest.mark.parametrize(
    ("how", "code", "why"),
    [
        ({"path": "/x"}, 404, "Nothing is served at /x; reviews go to POST /mutate."),
        ({"versions": ("v1beta1",)}, 400, "admission.k8s.io/v1"),
    ],
    ids=["wrong-path", "old-version"],
)
@only_ignore
def test_wrong_registration_is_logged_and_counted(
    webhook: Webhook, how: dict[str, str], code: int, why: str
) -> None:
    """What the API server keeps to itself stands in our log, and in a metric by its status."""
    with registered(**how)(webhook):
        webhook.plane.wait_for(
            lambda: any(
                rejected["code"] == code and why in rejected["why"]
                for rejected in webhook.process.events("request-rejected")
            ),
            DEADLINE,
            "the line of the log",
        )

    assert webhook.process.metric(f'rejected_requests_total{{code="{code}"}}')


@both_policies
def test_our_error_costs_no_connection(webhook: Webhook) -> None:
    """After a 500 of ours the next review comes over the same connection and is answered."""
    with raising(webhook) as server:
        before = clients_of(server.webhook.port)
        webhook.create("failed")
        server.namespaces.error = None
        answer = webhook.create("next")
        after = clients_of(server.webhook.port)

    assert answer.mode == "TPROXY"
    assert before
    assert before <= after


def clients_of(port: int) -> set[str]:
    """List who has a connection open to a port of this machine."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[2] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}


@both_policies
def test_namespaces_that_cannot_be_read(webhook: Webhook, tmp_path: Path) -> None:
    """Without the right to read namespaces we are not ready, yet trust the selector, and count."""
    kubeconfig = webhook.plane.kubeconfig_for("default", webhook.namespace)
    process = WebhookWithFiles(tmp_path, kubeconfig, OWN_LABEL)
    process.start()
    try:
        dataclasses.replace(webhook, process=process).register_anew()
        answer = webhook.create("p")
        webhook.plane.wait_for(
            lambda: process.events("sidecars-forbidden"), DEADLINE, "the Sidecars' own refusal"
        )
        readiness = process.ops("/readyz")
        lookups = process.metric('namespace_lookups_total{result="unreachable"}')
    finally:
        process.stop(signal.SIGINT)

    assert (answer.status, answer.mode, answer.failed_open()) == (201, "TPROXY", [])
    assert (readiness.status, readiness.data) == (503, b"not ready: namespaces")
    assert lookups >= 1


@only_fail
def test_largest_object_is_answered(webhook: Webhook) -> None:
    """The largest Pod that the API server takes, at its longest in JSON, is within our limit."""
    largest, too_large = (pod_of_size(size, webhook.namespace) for size in (LARGEST, LARGEST + 1))
    query = "?dryRun=All"

    assert webhook.create("", query=query, pod=largest).mode == "TPROXY"
    assert webhook.create("", query=query, pod=too_large).status == 413
    assert not webhook.process.metric('rejected_requests_total{code="413"}')


def pod_of_size(size: int, namespace: str) -> dict[str, object]:
    """Make a Pod of so many bytes, nearly all of which the API server writes as six."""
    pod = bare_pod("large", namespace)
    variable = {"name": "LARGE", "value": ""}
    pod["spec"]["containers"][0]["env"] = [variable]
    variable["value"] = "<" * (size - len(json.dumps(pod)))
    return pod
