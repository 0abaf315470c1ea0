"""Start, drain, stop: one serving process from its first socket to its last answer.

Signals: SIGTERM drains and then stops, which is what kubelet sends and what loses no request, and
so do SIGHUP and SIGQUIT, which would otherwise kill; SIGINT (Ctrl-C) stops at once, which is what a
person at a terminal wants.

Puts a service together from its settings: certificate, namespaces, metrics, server.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import signal
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import structlog

from certs.authority import Authority
from certs.contents import CERTIFICATE, KEY, write_files
from webhook.admission.sidecars import NO_SIDECARS
from webhook.certificates import Certificate
from webhook.certificates.files import FileCertificate
from webhook.certificates.managed import ManagedCertificate
from webhook.certificates.serving import Clients
from webhook.cluster.client import Client
from webhook.cluster.objects import CaBundleClient, SecretClient
from webhook.metrics import Metrics
from webhook.namespaces import Namespaces
from webhook.namespaces.cluster import ClusterNamespaces
from webhook.namespaces.store import MistypedLabels
from webhook.server.app import Readiness, Reviews, create_ops_app, create_review_app
from webhook.server.listening import HttpServer, listen
from webhook.settings import CertificateFiles, SelfSigned, Settings
from webhook.sidecars import ClusterSidecars

_RESTART = 1.0
"""Seconds before a background part that failed is started again."""
_log = structlog.get_logger(__name__)


class Service:
    """One serving process.

    Args:
        settings: What the admin set; read only, never changed.
        certificate: What connections are served with.
        namespaces: Who tells the labels of namespaces.
        metrics: Of this process.
        sidecars: Who tells the mesh's Sidecars; ``None``: nobody has to.
    """

    def __init__(
        self,
        settings: Settings,
        certificate: Certificate,
        namespaces: Namespaces,
        metrics: Metrics,
        sidecars: ClusterSidecars | None = None,
    ) -> None:
        self._settings = settings
        self._background: list[_Background] = [certificate, namespaces]
        self.readiness = Readiness(
            {"namespaces": lambda: namespaces.known, "certificate": lambda: certificate.verified}
        )
        if sidecars is not None:
            self._background.append(sidecars)
            self.readiness.checks["sidecars"] = lambda: sidecars.known
        self.reviews = Reviews(
            namespaces=namespaces,
            options=settings.options,
            body_limit=settings.body_limit,
            metrics=metrics,
            sidecars=NO_SIDECARS if sidecars is None else sidecars.sidecars,
        )
        self._review_server = HttpServer(
            create_review_app(self.reviews, self.readiness),
            settings,
            settings.connections,
            certificate.context,
        )
        self._ops_server = HttpServer(
            create_ops_app(self.readiness, metrics), settings, settings.ops_connections
        )
        self.port = 0
        """Where reviews are answered, once started."""
        self.ops_port = 0
        """Where health and metrics are served, once started."""

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Serve for as long as the context lasts; leaving it answers what is in flight and stops.

        Raises:
            ListenError: A port is taken or not allowed.
        """
        settings = self._settings
        async with contextlib.AsyncExitStack() as stack:
            listening = stack.enter_context(listen(settings.host, settings.port))
            ops = stack.enter_context(listen(settings.host, settings.ops_port))
            self.port, self.ops_port = listening.getsockname()[1], ops.getsockname()[1]
            for part in self._background:
                await stack.enter_async_context(_kept_running(part))
            await stack.enter_async_context(self._ops_server.serving(ops))
            await stack.enter_async_context(self._review_server.serving(listening))
            _log.info("serving", host=settings.host, port=self.port, ops_port=self.ops_port)
            yield
            _log.info("stopping")

    async def run(self) -> None:
        """Serve until a signal says otherwise.

        Raises:
            ListenError: A port is taken or not allowed.
        """
        loop = asyncio.get_running_loop()
        signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
        handled = {signal.SIGTERM, signal.SIGQUIT, signal.SIGINT}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else nohup wants us to go on
            handled.add(signal.SIGHUP)
        for number in handled:
            loop.add_signal_handler(number, signals.put_nowait, number)
        async with self.started():
            if await signals.get() != signal.SIGINT:
                self.readiness.draining = True
                _log.info("draining", seconds=self._settings.drain)
                with contextlib.suppress(TimeoutError):  # a second signal ends the wait
                    await asyncio.wait_for(signals.get(), self._settings.drain)


class _Background(Protocol):
    """Something that keeps itself current beside the server."""

    async def run(self) -> None:
        """Run until cancelled."""


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


Connect = Callable[[], Client]
"""Makes the client at the first call, and returns the same one from then on."""
_SELF_SIGNED_HOSTS = ("localhost", "127.0.0.1", "::1")
_SELF_SIGNED_LIFETIME = dt.timedelta(days=30)
"""Long enough to try out, too short to forget in production."""


def assemble(settings: Settings) -> Service:
    """Make the service that these settings describe, ready to be started.

    Raises:
        certs.contents.FolderError: A self-signed certificate cannot be written.
        webhook.certificates.CertificateError: There is no certificate that could be served.
        webhook.namespaces.file.NamespacesError: The file of namespaces cannot be read.
        webhook.cluster.ConfigurationError: Nothing tells where the API server is.
    """
    metrics = Metrics()
    connect = functools.cache(Client)  # one for all, and none where nobody asks the cluster
    certificate = _certificate(settings, connect, metrics)
    namespaces = _namespaces(settings, connect, metrics)
    sidecars = None
    if settings.namespaces is None and not settings.options.ignore_sidecars:
        sidecars = ClusterSidecars(connect(), metrics)
    return Service(settings, certificate, namespaces, metrics, sidecars)


def _certificate(settings: Settings, connect: Connect, metrics: Metrics) -> Certificate:
    """Choose where the certificate comes from."""
    source = settings.tls
    clients = None if settings.clients is None else Clients(settings.clients, metrics)
    if isinstance(source, SelfSigned):
        return FileCertificate(_self_signed(source), None, metrics, clients)
    if isinstance(source, CertificateFiles) and settings.namespaces is not None:
        return FileCertificate(source, None, metrics, clients)
    bundles = CaBundleClient(connect(), settings.configuration)
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


def _namespaces(settings: Settings, connect: Connect, metrics: Metrics) -> Namespaces:
    """Choose where labels come from; the file's YAML library stays out of a cluster's server."""
    label_key = settings.options.label_key
    if settings.namespaces is None:
        return ClusterNamespaces(connect(), metrics, label_key=label_key)
    from webhook.namespaces.file import FileNamespaces  # noqa: PLC0415

    namespaces = FileNamespaces.load(settings.namespaces, MistypedLabels(label_key).check)
    metrics.namespace_cache_synced.set(1)
    return namespaces
