"""A certificate in files, next to a configuration that may or may not fit it."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from structlog.typing import EventDict

from certs import bundle
from certs.authority import Authority
from certs.contents import Contents
from tests.unit.certificates.cluster import FakeBundles
from tests.unit.certificates.conftest import sample
from tests.waiting import until
from webhook.certificates import files, loop
from webhook.certificates.files import FileCertificate
from webhook.certificates.serving import ServingContext
from webhook.cluster import Forbidden
from webhook.metrics import Metrics
from webhook.settings import CertificateFiles

pytestmark = pytest.mark.anyio


@pytest.fixture
def pair(tmp_path: Path, contents: Contents) -> CertificateFiles:
    """A good pair in files."""
    (tmp_path / "tls.crt").write_bytes(contents.leaf.certificate_pem)
    (tmp_path / "tls.key").write_bytes(contents.leaf.key_pem)
    return CertificateFiles(certificate=tmp_path / "tls.crt", key=tmp_path / "tls.key")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than in production."""
    monkeypatch.setattr(files, "_POLL", 0.01)
    monkeypatch.setattr(files, "_POLL_BUNDLE", 0.02)
    monkeypatch.setattr(loop, "_LAST_RETRY", 0.02)


@contextlib.asynccontextmanager
async def running(certificate: FileCertificate) -> AsyncIterator[None]:
    """Run it for as long as the context lasts."""
    task = asyncio.create_task(certificate.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_configuration_that_fits_makes_it_ready(
    pair: CertificateFiles, contents: Contents, metrics: Metrics
) -> None:
    """Every caBundle verifies it, and the metric says so."""
    bundles = FakeBundles(bundle.write(contents.authorities))
    certificate = FileCertificate(pair, bundles, metrics)
    async with running(certificate):
        await until(lambda: sample(metrics, "ca_bundle_in_sync") == 1)
        assert certificate.verified


async def test_configuration_that_does_not_fit_makes_it_unready(
    pair: CertificateFiles, contents: Contents, metrics: Metrics
) -> None:
    """Until it does, and without ever being written by us."""
    bundles = FakeBundles(b"other")
    certificate = FileCertificate(pair, bundles, metrics)
    async with running(certificate):
        await until(lambda: not certificate.verified)
        assert bundles.bundles == (b"other",)
        bundles.bundles = (bundle.write(contents.authorities),)
        await until(lambda: certificate.verified)


async def test_without_the_right_to_compare_it_serves(
    pair: CertificateFiles, metrics: Metrics
) -> None:
    """A right that is missing is counted, and no reason to refuse service."""
    bundles = FakeBundles(b"other")
    bundles.error = Forbidden("cannot get")
    certificate = FileCertificate(pair, bundles, metrics)
    async with running(certificate):
        await until(lambda: (sample(metrics, "certificate_failures_total") or 0) > 1)
        assert certificate.verified


async def test_clock_of_the_api_server_counts(
    pair: CertificateFiles, contents: Contents, metrics: Metrics
) -> None:
    """It tells the time with each answer, also with one that is an error."""
    bundles = FakeBundles(bundle.write(contents.authorities))
    bundles.clock = contents.leaf.certificate.not_valid_after_utc + dt.timedelta(seconds=1)
    certificate = FileCertificate(pair, bundles, metrics)
    async with running(certificate):
        await until(lambda: bundles.reads > 1 and not certificate.verified)
        bundles.error = Forbidden("cannot get")
        bundles.error.date = contents.leaf.certificate.not_valid_after_utc - dt.timedelta(days=1)
        await until(lambda: certificate.verified)


DAY = dt.timedelta(days=1)


def put(pair: CertificateFiles, began: int, ends: int) -> x509.Certificate:
    """Write a pair into the files that is good from one day to another, as of now."""
    now = dt.datetime.now(dt.UTC)
    authority = Authority.create("tests", now=now - 99 * DAY, lifetime=999 * DAY)
    leaf = authority.issue(("a",), now=now + began * DAY, lifetime=(ends - began) * DAY)
    pair.certificate.write_bytes(leaf.certificate_pem)
    pair.key.write_bytes(leaf.key_pem)
    return leaf.certificate


GOOD, EXPIRED, EXPIRED_BEFORE, COMING = (-1, 9), (-3, -1), (-9, -2), (1, 9)


@pytest.mark.parametrize(
    ("first", "second", "replaced"),
    [
        (GOOD, (-1, 1), True),
        (GOOD, EXPIRED, False),
        (GOOD, COMING, False),
        (EXPIRED, GOOD, True),
        (EXPIRED_BEFORE, EXPIRED, True),
        (EXPIRED, EXPIRED_BEFORE, False),
        (EXPIRED, COMING, True),
        (COMING, EXPIRED, False),
        (COMING, GOOD, True),
    ],
)
async def test_pair_in_date_is_not_given_up_for_one_that_is_not(  # noqa: PLR0917  fixtures
    pair: CertificateFiles,
    metrics: Metrics,
    log: list[EventDict],
    first: tuple[int, int],
    second: tuple[int, int],
    replaced: bool,
) -> None:
    """Of two that are out of date the later one is served; it is said and counted, once."""
    before = put(pair, *first)
    certificate = FileCertificate(pair, None, metrics)
    after = put(pair, *second)
    for _ in range(3):
        certificate.reload()

    served = after if replaced else before
    expires = sample(metrics, "certificate_not_after_timestamp_seconds", certificate="serving")
    assert expires == served.not_valid_after_utc.timestamp()
    assert sample(metrics, "certificate_reloads_total", result="failure") == (0 if replaced else 1)
    told = [entry["why"] for entry in log if entry["event"] == "certificate-not-reloaded"]
    assert len(told) == (0 if replaced else 1)
    assert all("out of date" in why and "is served on" in why for why in told)


async def test_pair_is_judged_again_while_time_passes(
    pair: CertificateFiles, contents: Contents, metrics: Metrics
) -> None:
    """One that was not good yet is served once it is, though the files stay the same."""
    bundles = FakeBundles(bundle.write(contents.authorities))
    certificate = FileCertificate(pair, bundles, metrics)
    coming = put(pair, 2, 9)
    expiry = "certificate_not_after_timestamp_seconds"
    async with running(certificate):
        await until(lambda: sample(metrics, "certificate_reloads_total", result="failure") == 1)
        bundles.clock = dt.datetime.now(dt.UTC) + 3 * DAY
        await until(
            lambda: (
                sample(metrics, expiry, certificate="serving")
                == coming.not_valid_after_utc.timestamp()
            )
        )


async def test_expiry_makes_it_unready_without_any_cluster(
    pair: CertificateFiles, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time that passes is noticed, though no file changes."""
    certificate = FileCertificate(pair, None, metrics)
    async with running(certificate):
        assert certificate.verified
        monkeypatch.setattr(ServingContext, "in_date", lambda *_: False)
        await until(lambda: not certificate.verified)
