"""The managed certificate in its loop: woken, patient, and never louder than needed."""

import asyncio
import contextlib
import datetime as dt
import random
from collections.abc import AsyncIterator

import pytest
from structlog.typing import EventDict

from certs.contents import ContentsError
from tests.unit.certificates.cluster import FakeBundles, FakeSecret
from tests.unit.certificates.conftest import POLICY, sample
from tests.waiting import until
from webhook.certificates import loop
from webhook.certificates.managed import ManagedCertificate
from webhook.cluster import Conflict, Forbidden, Unreachable
from webhook.metrics import Metrics
from webhook.settings import Managed

pytestmark = pytest.mark.anyio


@pytest.fixture
def secret() -> FakeSecret:
    """The Secret."""
    return FakeSecret()


@pytest.fixture
def bundles() -> FakeBundles:
    """The configuration."""
    return FakeBundles(b"")


@pytest.fixture
def certificate(secret: FakeSecret, bundles: FakeBundles, metrics: Metrics) -> ManagedCertificate:
    """A certificate that does nothing yet."""
    return ManagedCertificate(
        Managed(namespace="source-ip", policy=POLICY), secret, bundles, metrics
    )


@contextlib.asynccontextmanager
async def running(certificate: ManagedCertificate) -> AsyncIterator[asyncio.Task[None]]:
    """Run it for as long as the context lasts."""
    task = asyncio.create_task(certificate.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than in production."""
    monkeypatch.setattr(loop, "_LAST_RETRY", 0.02)


async def test_first_start_needs_nobody(certificate: ManagedCertificate) -> None:
    """From nothing to a verified certificate, at once."""
    async with running(certificate):
        await until(lambda: certificate.verified)


async def test_change_of_the_configuration_is_mended_at_once(
    certificate: ManagedCertificate, bundles: FakeBundles
) -> None:
    """A watch wakes it: nobody waits for the next poll, which is seconds away."""
    async with running(certificate):
        await until(lambda: certificate.verified)
        bundles.bundles = (b"",)
        bundles.changed.set()
        await until(lambda: bundles.bundles != (b"",))


@pytest.mark.usefixtures("short_pauses")
async def test_failures_are_counted_and_said_once(
    certificate: ManagedCertificate, bundles: FakeBundles, metrics: Metrics, log: list[EventDict]
) -> None:
    """However often a right is missing, the log has one line, and one when it is there again."""
    bundles.refusal = Forbidden("cannot patch")
    async with running(certificate):
        await until(lambda: (sample(metrics, "certificate_failures_total") or 0) > 3)
        bundles.refusal = None
        await until(lambda: certificate.verified)
    events = [entry["event"] for entry in log if "stuck" in entry["event"]]
    assert events == ["certificates-stuck", "certificates-unstuck"]


@pytest.mark.usefixtures("short_pauses")
async def test_conflict_is_no_failure(
    certificate: ManagedCertificate, bundles: FakeBundles, metrics: Metrics, log: list[EventDict]
) -> None:
    """Somebody else was first: reconcile again, and nobody needs to know."""
    bundles.refusal = Conflict("it changed")
    async with running(certificate):
        await until(lambda: bundles.reads > 3)
        bundles.refusal = None
        await until(lambda: certificate.verified)
    assert sample(metrics, "certificate_failures_total") == 0
    assert not [entry for entry in log if "stuck" in entry["event"]]


@pytest.mark.usefixtures("short_pauses")
async def test_foreign_secret_is_said_and_waited_out(
    certificate: ManagedCertificate, secret: FakeSecret, log: list[EventDict]
) -> None:
    """As soon as it is gone, certificates are made."""
    secret.data = {"password": b"x"}
    async with running(certificate):
        await until(lambda: any(entry["event"] == "certificates-stuck" for entry in log))
        assert secret.data == {"password": b"x"}
        secret.data = None
        await until(lambda: certificate.verified)


async def test_broken_watch_is_no_failure(
    certificate: ManagedCertificate,
    bundles: FakeBundles,
    log: list[EventDict],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a watch would have told, the poll finds; a debug line says that it ended."""
    monkeypatch.setattr(loop, "_REWATCH", (0.0, 0.0))
    bundles.watch_error = Unreachable("broke off")
    async with running(certificate):
        await until(lambda: certificate.verified)
        await until(lambda: len([e for e in log if e["event"] == "configuration-watch-ended"]) > 1)


@pytest.mark.parametrize(("propagation", "longest"), [(0.02, 0.5), (8, 4.0), (30, 10.0)])
async def test_authority_is_seen_within_the_time_that_it_is_given(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, propagation: float, longest: float
) -> None:
    """The longest pause is half of that, half a second at least and ten seconds at most."""
    picked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        picked.append((low, high))
        return 0.001

    monkeypatch.setattr(random, "uniform", uniform)
    policy = type(POLICY)(hosts=POLICY.hosts, propagation=dt.timedelta(seconds=propagation))
    managed = Managed(namespace="source-ip", policy=policy)
    async with running(ManagedCertificate(managed, FakeSecret(), FakeBundles(b""), metrics)):
        await until(lambda: (longest / 2, longest) in picked)

    assert max(high for _, high in picked) == longest


async def test_bug_is_not_swallowed(
    certificate: ManagedCertificate, bundles: FakeBundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no error of the cluster ends the run, and whoever keeps it running says so."""
    monkeypatch.setattr(bundles, "read", lambda: 1 / 0)
    async with running(certificate) as task:
        await asyncio.wait([task])
        error = task.exception()
    assert isinstance(error, ExceptionGroup)
    assert not error.subgroup(ContentsError)
