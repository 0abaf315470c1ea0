"""One serving process: put together from its settings, started, drained, stopped.

Signals: SIGTERM drains and then stops, which is what kubelet sends and what loses no request, and
so do SIGHUP and SIGQUIT, which would otherwise kill; SIGINT (Ctrl-C) stops at once, which is what a
person at a terminal wants.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import gc
import signal
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

import structlog

from certs.authority import Authority
from certs.contents import CERTIFICATE, KEY, write_files
from webhook import logs
from webhook.admission.sidecars import NO_SIDECARS
from webhook.certificates import Certificate
from webhook.certificates.files import FileCertificate
from webhook.certificates.managed import ManagedCertificate
from webhook.certificates.serving import ClientAuthentication
from webhook.cluster.access import Access
from webhook.cluster.client import Client
from webhook.cluster.objects import CaBundleClient, SecretClient
from webhook.metrics import Metrics
from webhook.namespaces import Namespaces
from webhook.namespaces.cluster import ClusterNamespaces
from webhook.namespaces.store import MistypedLabels
from webhook.server.app import Readiness, create_ops_app, create_review_app
from webhook.server.listening import HttpServer, listen
from webhook.server.reviews import Reviews
from webhook.settings import CertificateFiles, SelfSigned, Settings
from webhook.sidecars import ClusterSidecars
from webhook.summary import ClusterSummary, SummaryClient

_RESTART: Final = 1.0
"""Seconds before a background part that failed is started again."""
_SELF_SIGNED_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
_SELF_SIGNED_LIFETIME: Final = dt.timedelta(days=30)
"""Long enough to try out, too short to forget in production."""
_log = structlog.get_logger(__name__)

_Connect = Callable[[], Client]
"""Makes the client of the API server at the first call, and returns the same one from then on."""


class _Background(Protocol):
    """Something that keeps itself current beside the servers."""

    async def run(self) -> None:
        """Run until cancelled."""


def assemble(settings: Settings) -> "WebhookServer":
    """Put together the server that these settings describe, ready to be started.

    Nothing is asked of the cluster before it is started.

    Raises:
        certs.contents.FolderError: A self-signed certificate cannot be written.
        webhook.certificates.CertificateError: There is no certificate that could be served.
        webhook.namespaces.file.NamespacesError: The file of namespaces cannot be read.
        webhook.cluster.ConfigurationError: Nothing tells where the API server is.
    """
    metrics = Metrics()
    connect = functools.cache(
        Access().connect
    )  # one for all, and none where nobody asks the cluster
    certificate = _certificate(settings, connect, metrics)
    namespaces = _namespaces(settings, connect, metrics)
    sidecars = None
    if settings.namespaces is None and not settings.admission.ignore_sidecars:
        sidecars = ClusterSidecars(connect(), metrics)
    summary = None
    if (report := settings.audit_report) is not None:
        summary = ClusterSummary(SummaryClient(connect(), report.namespace, report.name), metrics)
    return WebhookServer(settings, certificate, namespaces, metrics, sidecars, summary=summary)


class WebhookServer:
    """One serving process: both HTTP servers, and what keeps itself current beside them.

    Args:
        settings: What the admin set; read only, never changed.
        certificate: What connections are served with.
        namespaces: Who tells the labels of namespaces.
        metrics: Of this process.
        sidecars: Who tells the mesh's Sidecars; ``None``: nobody has to.
        summary: Who tells what the last audit found; ``None``: nobody has to.
    """

    def __init__(
        self,
        settings: Settings,
        certificate: Certificate,
        namespaces: Namespaces,
        metrics: Metrics,
        sidecars: ClusterSidecars | None = None,
        *,
        summary: ClusterSummary | None = None,
    ) -> None:
        self._settings = settings
        self._background: list[_Background] = [certificate, namespaces]
        if summary is not None:
            self._background.append(summary)
        self.readiness = Readiness(
            {"namespaces": lambda: namespaces.known, "certificate": lambda: certificate.verified}
        )
        """What ``/readyz`` shows, and whether connections are to be closed."""
        if sidecars is not None:
            self._background.append(sidecars)
            self.readiness.checks["sidecars"] = lambda: sidecars.known
        self.reviews = Reviews(
            namespaces=namespaces,
            options=settings.admission,
            body_limit=settings.limits.body,
            metrics=metrics,
            tell=logs.teller(settings.logs.format, settings.logs.level, _later),
            sidecars=NO_SIDECARS if sidecars is None else sidecars.sidecars,
        )
        """What answers ``POST /mutate``."""
        self._review_server = HttpServer(
            create_review_app(self.reviews, self.readiness),
            settings,
            settings.limits.connections,
            certificate.context,
        )
        self._ops_server = HttpServer(
            create_ops_app(self.readiness, metrics), settings, settings.limits.ops_connections
        )
        self.port = 0
        """Where reviews are answered, once started."""
        self.ops_port = 0
        """Where health and metrics are served, once started."""

    async def run(self) -> None:
        """Serve until a signal says otherwise; then drain, if it asks for that, and stop.

        Raises:
            ListenError: A port is taken or not allowed.
        """
        signals = _signals()
        async with self.started():
            # What is imported and put together stays to the end: some 85,000 objects, which a full
            # collection would look at each time, for 50 ms in which nobody is answered (Python
            # 3.11 and 3.13). Left out, it takes less than one.
            gc.freeze()
            if await signals.get() != signal.SIGINT:
                await self._drain(signals)

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Serve for as long as the context lasts; leaving it answers what is in flight and stops.

        Raises:
            ListenError: A port is taken or not allowed.
        """
        where = self._settings.listening
        async with contextlib.AsyncExitStack() as stack:
            listening = stack.enter_context(listen(where.host, where.port))
            ops = stack.enter_context(listen(where.host, where.ops_port))
            self.port, self.ops_port = listening.getsockname()[1], ops.getsockname()[1]
            for part in self._background:
                await stack.enter_async_context(_kept_running(part))
            await stack.enter_async_context(self._ops_server.serving(ops))
            await stack.enter_async_context(self._review_server.serving(listening))
            _log.info("serving", host=where.host, port=self.port, ops_port=self.ops_port)
            yield
            _log.info("stopping")

    async def _drain(self, signals: "asyncio.Queue[signal.Signals]") -> None:
        """Answer for a while longer, not ready any more; a second signal ends the wait."""
        seconds = self._settings.shutdown.drain
        self.readiness.draining = True
        _log.info("draining", seconds=seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(signals.get(), seconds)


def _later(seconds: float, call: Callable[[], None]) -> None:
    """Have the event loop that runs call a function after some seconds."""
    asyncio.get_running_loop().call_later(seconds, call)


def _certificate(settings: Settings, connect: _Connect, metrics: Metrics) -> Certificate:
    """Choose where the certificate comes from."""
    source = settings.certificates.source
    allowed = settings.listening.clients
    clients = None if allowed is None else ClientAuthentication(allowed, metrics)
    if isinstance(source, SelfSigned):
        return FileCertificate(_self_signed(source), None, metrics, clients)
    if isinstance(source, CertificateFiles) and settings.namespaces is not None:
        return FileCertificate(source, None, metrics, clients)
    bundles = CaBundleClient(connect(), settings.certificates.configuration)
    if isinstance(source, CertificateFiles):
        return FileCertificate(source, bundles, metrics, clients)
    secret = SecretClient(connect(), source.namespace, source.secret)
    return ManagedCertificate(source, secret, bundles, metrics, clients)


def _self_signed(source: SelfSigned) -> CertificateFiles:
    """Make a certificate just now, which no configuration knows."""
    now = dt.datetime.now(dt.UTC)
    authority = Authority.create("source-ip-webhook", now=now, lifetime=_SELF_SIGNED_LIFETIME)
    leaf = authority.issue(_SELF_SIGNED_HOSTS, now=now, lifetime=_SELF_SIGNED_LIFETIME)
    write_files(source.directory, authority, leaf)
    return CertificateFiles(certificate=source.directory / CERTIFICATE, key=source.directory / KEY)


def _namespaces(settings: Settings, connect: _Connect, metrics: Metrics) -> Namespaces:
    """Choose where labels come from; the file's YAML library stays out of a cluster's server."""
    label_key = settings.admission.label_key
    if settings.namespaces is None:
        return ClusterNamespaces(connect(), metrics, label_key=label_key)
    from webhook.namespaces.file import FileNamespaces  # noqa: PLC0415

    namespaces = FileNamespaces.load(settings.namespaces, MistypedLabels(label_key).check)
    metrics.namespace_cache_synced.set(1)
    return namespaces


def _signals() -> "asyncio.Queue[signal.Signals]":
    """Take the signals that ask the process to end, from now on, and queue them."""
    loop = asyncio.get_running_loop()
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    handled = {signal.SIGTERM, signal.SIGQUIT, signal.SIGINT}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else nohup wants us to go on
        handled.add(signal.SIGHUP)
    for number in handled:
        loop.add_signal_handler(number, signals.put_nowait, number)
    return signals


@contextlib.asynccontextmanager
async def _kept_running(part: _Background) -> AsyncIterator[None]:
    """Run a part in the background while the context lasts, again and again if it fails."""

    async def keep_running() -> None:
        while True:
            try:
                await part.run()
            except Exception:  # noqa: BLE001  a part that dies takes nothing with it
                _log.exception("background-part-failed", part=type(part).__name__)
            await asyncio.sleep(_RESTART)

    task = asyncio.create_task(keep_running())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
