"""Start, drain, stop: one serving process from its first socket to its last answer.

Signals: SIGTERM drains and then stops, which is what kubelet sends and what loses no request, and
so do SIGHUP and SIGQUIT, which would otherwise kill; SIGINT (Ctrl-C) stops at once, which is what a
person at a terminal wants.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from typing import Protocol

import structlog

from webhook.admission.sidecars import NO_SIDECARS
from webhook.certificates import Certificate
from webhook.namespaces import Namespaces
from webhook.server.app import create_ops_app, create_review_app
from webhook.server.listening import HttpServer, listen
from webhook.server.readiness import Readiness
from webhook.server.reviews import Reviews
from webhook.settings import Settings
from webhook.sidecars import ClusterSidecars
from webhook.telemetry.metrics import Metrics

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
