"""One configuration that others look after as well: they get on, or they do not, and it is said."""

import base64
import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import urllib3

from certs import bundle
from certs.authority import Authority
from tests.controlplane import ControlPlane
from tests.e2e.certificates.deploying import deployed
from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.prober import shown, verifies
from tests.e2e.certificates.scenario import Record, under_load
from tests.e2e.conftest import DEADLINE

pytestmark = pytest.mark.e2e

OTHER = "other-tls"
WAITS = ("--tls-propagation=1s", "--tls-overlap=3s")
WINDOW = 5.0
"""Seconds for which nobody may write; ten polls of each replica, or more."""


def version(deployment: Deployment) -> str:
    """Tell the version of the configuration."""
    metadata = deployment.plane.api.json("GET", deployment.path)["metadata"]
    found: str = metadata["resourceVersion"]
    return found


def test_two_secrets(plane: ControlPlane, tmp_path: Path, record: Record) -> None:
    """Two installs of one configuration publish both authorities and let each other be."""
    name = "two-secrets"
    with deployed(plane, tmp_path, name, *WAITS, last=("--tls-secret", OTHER)) as deployment:
        verbs = ("--verb=get,patch", "--resource=secrets", f"--resource-name={OTHER}")
        plane.kubectl("create", "role", "other", *verbs, namespace=name)
        account = f"--serviceaccount={name}:{name}"
        plane.kubectl("create", "rolebinding", "other", "--role=other", account, namespace=name)
        deployment.start()

        def authorities() -> set[bytes]:
            other = plane.get("Secret", OTHER, name)["data"]
            return {deployment.secret()["ca.crt"], base64.b64decode(other["ca.crt"])}

        def at_rest() -> bool:
            return all(
                {bundle.write([each]) for each in bundle.read(pem)} == authorities()
                for pem in deployment.published()
            )

        plane.wait_for(at_rest, DEADLINE, "both authorities in both bundles")
        for rotation in range(2):
            with under_load(deployment, record) as scenario:
                before = version(deployment)
                time.sleep(WINDOW)
                assert version(deployment) == before
                assert all(replica.ready for replica in deployment.replicas)
                first, second = (shown(replica.port) for replica in deployment.replicas)
                assert first != second
            assert scenario.report.failed == 0, scenario.report.errors
            assert scenario.prober.refused == []
            if not rotation:
                old = deployment.secret()["ca.crt"]
                deployment.command("rotate", "--ca")
                plane.wait_for(
                    lambda old=old: at_rest() and old not in authorities(),  # type: ignore[misc]
                    DEADLINE,
                    "one of them to replace its authority",
                )
        for replica in deployment.replicas:
            assert replica.metric("ca_bundle_contested") == 0
            assert not replica.events("ca-bundle-contested")


class Stubborn:
    """Puts its own authority back, and nothing else, whenever anybody has written."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._stopped = threading.Event()
        now = dt.datetime.now(dt.UTC)
        self.authority = Authority.create("stubborn", now=now, lifetime=dt.timedelta(days=1))
        self.writes = 0

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Be so until the block ends."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _run(self) -> None:
        pem = self.authority.certificate_pem
        while not self._stopped.wait(0.01):
            # Whoever has no answer, or a conflict with another writer, tries again.
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if self._deployment.published() != [pem, pem]:
                    answer = self._deployment.try_to_publish(pem, pem)
                    assert answer.status in {HTTPStatus.OK, HTTPStatus.CONFLICT}, answer.data
                    self.writes += answer.status == HTTPStatus.OK


def test_stubborn_writer(steady: Deployment, record: Record) -> None:
    """Who replaces what is there is answered ever more slowly, by name, until he stops."""
    stubborn = Stubborn(steady)
    answered = 'certificate_steps_total{step="publish"}'
    before = sum(replica.metric(answered) for replica in steady.replicas)

    def losses() -> list[int]:
        return [replica.events("ca-bundle-contested")[-1]["losses"] for replica in steady.replicas]

    with stubborn.at_work():
        steady.plane.wait_for(
            lambda: all(
                replica.metric("ca_bundle_contested") and replica.events("ca-bundle-contested")
                for replica in steady.replicas
            ),
            DEADLINE,
            "both replicas to notice",
        )
        steady.plane.wait_for(lambda: min(losses()) > 21, 120, "pauses that grow")
        began, written = time.monotonic(), stubborn.writes
        steady.plane.wait_for(lambda: stubborn.writes > written, 120, "one more write")
        record("seconds until the next write", round(time.monotonic() - began, 1))
    after = sum(replica.metric(answered) for replica in steady.replicas)
    record("writes of ours", after - before)
    # Each replica notes each loss that it sees, and has pauses of its own after twenty.
    assert after - before <= 2 * max(losses())
    for replica in steady.replicas:
        events = replica.events("ca-bundle-contested")
        event, pauses = events[-1], [each["pause"] for each in events]
        assert pauses == sorted(pauses)
        assert event["pause"] >= 10
        assert any("O=stubborn" in each for each in event["authorities"])
        assert event["written_by"]
    secret = steady.secret()["ca.crt"]
    both = {stubborn.authority.certificate, *bundle.read(secret)}
    steady.plane.wait_for(
        lambda: (
            all(set(bundle.read(pem)) == both for pem in steady.published())
            and all(replica.ready for replica in steady.replicas)
        ),
        90,
        "the last pause to end",
    )
    (pem,) = {*steady.published()}
    assert all(verifies(pem, shown(replica.port)) for replica in steady.replicas)
    steady.publish(secret, secret)
