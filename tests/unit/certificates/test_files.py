"""A certificate in files, next to a configuration that may or may not fit it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from certs import bundle
from certs.contents import Contents
from tests.unit.certificates.cluster import FakeBundles
from tests.unit.certificates.conftest import sample
from tests.unit.cluster.waiting import until
from webhook.certificates import files, lookout
from webhook.certificates.files import FileCertificate
from webhook.certificates.serving import Serving
from webhook.cluster import Forbidden
from webhook.settings import CertificateFiles
from webhook.telemetry.metrics import Metrics

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
    monkeypatch.setattr(lookout, "_LAST_RETRY", 0.02)


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


async def test_expiry_makes_it_unready_without_any_cluster(
    pair: CertificateFiles, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time that passes is noticed, though no file changes."""
    certificate = FileCertificate(pair, None, metrics)
    async with running(certificate):
        assert certificate.verified
        monkeypatch.setattr(Serving, "in_date", property(lambda _: False))
        await until(lambda: not certificate.verified)
