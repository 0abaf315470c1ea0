"""A webhook server that really listens, for the length of a test."""

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import urllib3
import uvloop

from tests.situations import ENABLED
from webhook.admission.options import Options
from webhook.admission.sidecars import NO_SIDECARS
from webhook.certificates.files import FileCertificate
from webhook.certificates.serving import ClientAuthentication
from webhook.labels import Labels
from webhook.metrics import Metrics
from webhook.server.lifecycle import WebhookServer
from webhook.settings import CertificateFiles, Settings

DEADLINE = 20.0
"""Seconds after which a test that waits has failed."""


@dataclasses.dataclass
class Labelled:
    """A source of namespace labels that a test can steer."""

    answer: Labels | None = dataclasses.field(default_factory=lambda: ENABLED)
    confirmed: Labels | None = dataclasses.field(default_factory=lambda: ENABLED)
    known: bool = True
    error: Exception | None = None
    confirmations: int = 0

    def remembered(self, _name: str) -> Labels | None:
        """Answer what the test wants."""
        if self.error is not None:
            raise self.error
        return self.answer

    async def labels(self, name: str) -> Labels | None:
        """Answer the same."""
        return self.remembered(name)

    async def confirm(self, _name: str) -> Labels | None:
        """Answer what the test wants, and count."""
        self.confirmations += 1
        return self.confirmed

    async def run(self) -> None:
        """Have nothing to do."""
        await asyncio.Event().wait()


@dataclasses.dataclass
class Running:
    """A webhook server that is up, and a client that trusts it."""

    webhook: WebhookServer
    metrics: Metrics
    namespaces: Labelled
    ca: Path
    client: urllib3.PoolManager
    before: dict[tuple[str, frozenset[tuple[str, str]]], float] = dataclasses.field(
        default_factory=dict
    )
    """What earlier tests have counted: the metrics themselves know no way back."""

    @property
    def url(self) -> str:
        """Where reviews are answered."""
        return f"https://localhost:{self.webhook.port}/mutate"

    def reset(self) -> None:
        """Forget what earlier tests did."""
        vars(self.namespaces).update(vars(Labelled()))
        self.webhook.readiness.draining = False
        self.webhook.reviews.options = Options()
        self.webhook.reviews.sidecars = NO_SIDECARS
        self.client.clear()
        self.before = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for metric in self.metrics.registry.collect()
            for sample in metric.samples
        }

    def post(self, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        """Send a review as the API server does."""
        return self.client.request(
            "POST", self.url, body=body, headers={"Content-Type": "application/json", **headers}
        )

    def ops(self, path: str) -> urllib3.BaseHTTPResponse:
        """Ask the plain port."""
        return self.client.request("GET", f"http://localhost:{self.webhook.ops_port}{path}")

    def count(self, name: str, **labels: str) -> float:
        """Read how much of a metric is of this test."""
        now = self.metrics.registry.get_sample_value(name, labels) or 0.0
        return now - self.before.get((name, frozenset(labels.items())), 0.0)


@contextlib.contextmanager
def running(settings: Settings, namespaces: Labelled, ca: Path) -> Iterator[Running]:
    """Run a webhook server in a thread of its own.

    Args:
        settings: Of the server; ports 0 and ``localhost`` are wise.
        namespaces: Its source of labels.
        ca: Certificate of the authority that the client trusts.
    """
    source, allowed = settings.certificates.source, settings.listening.clients
    assert isinstance(source, CertificateFiles)
    metrics = Metrics()
    clients = None if allowed is None else ClientAuthentication(allowed, metrics)
    certificate = FileCertificate(source, None, metrics, clients)
    webhook = WebhookServer(settings, certificate, namespaces, metrics)
    started, loop_and_stop = threading.Event(), []

    async def main() -> None:
        stop = asyncio.Event()
        loop_and_stop.append((asyncio.get_running_loop(), stop))
        async with webhook.started():
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    try:
        assert started.wait(DEADLINE)
        with urllib3.PoolManager(
            ca_certs=str(ca), retries=False, timeout=urllib3.Timeout(DEADLINE)
        ) as client:
            yield Running(webhook, metrics, namespaces, ca, client)
    finally:
        loop, stop = loop_and_stop[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(DEADLINE)
        assert not thread.is_alive()
