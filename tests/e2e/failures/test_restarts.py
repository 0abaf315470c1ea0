"""Creations while the service drains, restarts or is away."""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import logging
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import DEADLINE, Cluster, bare_pod
from tests.e2e.failures.faults import (
    killed,
)
from tests.e2e.failures.policies import CALLING, both_policies, only_fail, only_ignore
from tests.e2e.objects import guide, mode
from tests.e2e.own_webhook import Answer, Webhook
from tests.e2e.registration import KEY

pytestmark = pytest.mark.e2e

_log = logging.getLogger(__name__)


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
