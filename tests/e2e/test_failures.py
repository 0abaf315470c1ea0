"""What users and admins see when the webhook is slow, down, wrongly certified or wrong.

Each row of FAULTS is tried under both failure policies; docs/failures.md is this file for admins.
"""

import concurrent.futures
import contextlib
import dataclasses
import datetime as dt
import itertools
import json
import logging
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from certs.authority import Authority
from tests.e2e.conftest import ACCOUNT, DEADLINE, Cluster, bare_pod, make_namespace
from tests.e2e.faults import (
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
from tests.e2e.objects import guide, mode
from tests.e2e.own_process import LABEL, OwnProcess
from tests.e2e.own_webhook import Answer, Webhook
from tests.e2e.registration import KEY
from tests.e2e.service_process import read_sample

pytestmark = pytest.mark.e2e

_log = logging.getLogger(__name__)

NAME = "pods.source-ip-webhook.io"
CALLING = f'Internal error occurred: failed calling webhook "{NAME}": '
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

both_policies = pytest.mark.parametrize("webhook", ["Ignore", "Fail"], indirect=True)
only_ignore = pytest.mark.parametrize("webhook", ["Ignore"], indirect=True)
only_fail = pytest.mark.parametrize("webhook", ["Fail"], indirect=True)


@pytest.fixture(scope="module")
def process(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProcess]:
    """A service that the tests damage and mend, with the rights that it needs."""
    process = OwnProcess(tmp_path_factory.mktemp("own"), cluster.plane.kubeconfig_for(ACCOUNT))
    process.start()
    try:
        yield process
    finally:
        process.stop(signal.SIGINT)


@pytest.fixture
def webhook(
    request: pytest.FixtureRequest, cluster: Cluster, process: OwnProcess
) -> Iterator[Webhook]:
    """A registration that works, under the policy that the test names, for a new namespace."""
    namespace = make_namespace(cluster.plane, f"failing-{cluster.number()}", {LABEL: "enabled"})
    webhook = Webhook(cluster.plane, process, namespace, request.param)
    webhook.register()
    try:
        webhook.wait_until_it_works()
        yield webhook
    finally:
        webhook.unregister()
        cluster.plane.request("DELETE", f"/api/v1/namespaces/{namespace}")


def test_page_for_admins_has_every_fault() -> None:
    """docs/failures.md quotes each message, and names tests that there are."""
    page = (Path(__file__).parents[2] / "docs" / "failures.md").read_text()
    tests = set(re.findall(r"`(test_\w+)", page))

    assert all(fault.message in page and f"`test_fault[{fault.name}]`" in page for fault in FAULTS)
    assert tests == {name for name in globals() if name.startswith("test_")} - {
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

    assert webhook.process.metric(f'source_ip_webhook_rejected_requests_total{{code="{code}"}}')


@only_fail
def test_certificate_that_expires_under_an_open_connection(webhook: Webhook) -> None:
    """Nobody notices an expired certificate before the next handshake, but the metric tells."""
    process = webhook.process
    reloads = len(process.events("certificate-reloaded"))
    expiry = 'source_ip_webhook_certificate_not_after_timestamp_seconds{certificate="serving"}'
    process.certify(lifetime=dt.timedelta(seconds=10))
    try:
        webhook.plane.wait_for(
            lambda: len(process.events("certificate-reloaded")) > reloads, DEADLINE, "the reload"
        )
        webhook.plane.wait_for(
            lambda: process.metric(expiry) < time.time(), DEADLINE, "the certificate to expire"
        )
        answer = webhook.create("p")
    finally:
        process.certify()

    assert answer.mode == "TPROXY"


@only_fail
def test_certificate_out_of_date_does_not_replace_a_good_one(webhook: Webhook) -> None:
    """The files may hold what they like: calls go on, and the service stays ready and says so."""
    process = webhook.process
    webhook.plane.wait_for(
        lambda: process.ops("/readyz").status == 200,
        DEADLINE,
        "it to be ready, whatever was before",
    )
    complaints = len(process.events("certificate-not-reloaded"))
    process.certify(days_ago=2)
    try:
        webhook.plane.wait_for(
            lambda: len(process.events("certificate-not-reloaded")) > complaints,
            DEADLINE,
            "the complaint",
        )
        answer = webhook.create("good")
        ready = process.ops("/readyz").status
        why = process.events("certificate-not-reloaded")[-1]["why"]
    finally:
        process.certify()

    assert (answer.mode, ready) == ("TPROXY", 200)
    assert "is out of date" in why


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
    process = OwnProcess(tmp_path, kubeconfig)
    process.start()
    try:
        dataclasses.replace(webhook, process=process).register_anew()
        answer = webhook.create("p")
        webhook.plane.wait_for(
            lambda: process.events("sidecars-forbidden"), DEADLINE, "the Sidecars' own refusal"
        )
        readiness = process.ops("/readyz")
        lookups = process.metric('source_ip_webhook_namespace_lookups_total{result="unreachable"}')
    finally:
        process.stop(signal.SIGINT)

    assert (answer.status, answer.mode, answer.failed_open()) == (201, "TPROXY", [])
    assert (readiness.status, readiness.data) == (503, b"not ready: namespaces")
    assert lookups >= 1


@both_policies
def test_drain_answers_everything(webhook: Webhook) -> None:
    """Between SIGTERM and the closing of the port every Pod is created with its setting."""
    process = webhook.process
    process.stop()
    process.drain = 10 * DEADLINE  # ended by stop(), which is a second signal
    process.start()
    drains, stops = (len(process.events(name)) for name in ("draining", "stopping"))
    try:
        webhook.wait_until_it_works()
        process.send(signal.SIGTERM)
        webhook.plane.wait_for(
            lambda: len(process.events("draining")) > drains, DEADLINE, "the drain"
        )
        answers = [webhook.create(f"p-{number}") for number in range(50)]
        stopped_before = len(process.events("stopping"))
    finally:
        process.stop()
        process.drain = 1.0
        process.start()

    assert {(answer.status, answer.mode) for answer in answers} == {(201, "TPROXY")}
    assert stopped_before == stops


@only_ignore
def test_restart_fails_no_creation(webhook: Webhook) -> None:
    """While the only process restarts every Pod is created, some of them without the setting."""
    with creating(webhook) as answers:
        webhook.plane.wait_for(lambda: len(answers) > 20, DEADLINE, "the first Pods")
        webhook.process.stop()
        webhook.process.start()
        webhook.wait_until_it_works()
        so_far = len(answers)
        webhook.plane.wait_for(lambda: len(answers) > so_far + 20, DEADLINE, "the last Pods")
    without = sum(answer.mode is None for answer in answers)
    _log.info("%d Pods created, %d of them without the setting", len(answers), without)

    assert {answer.status for answer in answers} == {201}
    assert {answer.mode for answer in answers[-10:]} == {"TPROXY"}


@contextlib.contextmanager
def creating(webhook: Webhook, workers: int = 4) -> Iterator[list[Answer]]:
    """Create Pods all the time, a few hundred in a second at most."""
    answers: list[Answer] = []
    enough = threading.Event()

    def create(worker: int) -> None:
        for number in itertools.count():
            if enough.wait(0.02):
                return
            answers.append(webhook.create(f"p-{worker}-{number}"))

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(create, worker) for worker in range(workers)]
        try:
            yield answers
        finally:
            enough.set()
    for future in futures:
        future.result()


@only_fail
def test_workload_under_fail_waits_for_us(cluster: Cluster, webhook: Webhook) -> None:
    """A Deployment is accepted, says why it has no Pods, and gets them when we are back."""
    namespace = webhook.namespace
    with killed(webhook):
        cluster.kubectl(
            "apply", "-f", "-", namespace=namespace, manifest=guide("sleep.yaml", namespace)
        )
        condition = cluster.plane.wait_for(
            lambda: next(
                (
                    condition
                    for condition in cluster.plane.get("Deployment", "sleep", namespace)
                    .get("status", {})
                    .get("conditions", [])
                    if condition["type"] == "ReplicaFailure"
                ),
                None,
            ),
            DEADLINE,
            "the Deployment's complaint",
        )

    assert condition["reason"] == "FailedCreate"
    assert condition["message"].startswith(CALLING)
    assert mode(cluster.pod_of(namespace, "sleep")) == "TPROXY"


@only_fail
def test_ways_out_under_fail(cluster: Cluster, webhook: Webhook) -> None:
    """With us down, other namespaces and opted-out Pods are created; without us, everything is."""
    plane, namespace = webhook.plane, webhook.namespace
    opted_out = bare_pod("opted-out", namespace)
    opted_out["metadata"]["labels"] = {KEY: "disabled"}
    elsewhere = dataclasses.replace(webhook, namespace=cluster.namespace(None))
    with killed(webhook):
        refused = plane.kubectl("run", "p", "--image=x", namespace=namespace, check=False)
        assert refused.stderr.startswith(f"Error from server (InternalError): {CALLING}")
        assert elsewhere.create("p").status == 201
        assert webhook.create("", pod=opted_out).status == 201
        webhook.unregister()
        plane.wait_for(
            lambda: webhook.create("probe", query="?dryRun=All").status == 201,
            DEADLINE,
            "creations to go on without the configuration",
        )
        webhook.register()


@only_fail
def test_largest_object_is_answered(webhook: Webhook) -> None:
    """The largest Pod that the API server takes, at its longest in JSON, is within our limit."""
    largest, too_large = (pod_of_size(size, webhook.namespace) for size in (LARGEST, LARGEST + 1))
    query = "?dryRun=All"

    assert webhook.create("", query=query, pod=largest).mode == "TPROXY"
    assert webhook.create("", query=query, pod=too_large).status == 413
    assert not webhook.process.metric('source_ip_webhook_rejected_requests_total{code="413"}')


def pod_of_size(size: int, namespace: str) -> dict[str, object]:
    """Make a Pod of so many bytes, nearly all of which the API server writes as six."""
    pod = bare_pod("large", namespace)
    variable = {"name": "LARGE", "value": ""}
    pod["spec"]["containers"][0]["env"] = [variable]
    variable["value"] = "<" * (size - len(json.dumps(pod)))
    return pod
