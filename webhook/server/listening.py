"""One port: its socket, and a uvicorn server for it that leaves the process to us.

:class:`HttpServer` overrides methods of ``uvicorn.Server`` as they are in uvicorn 0.54;
pyproject.toml allows no newer one, until somebody has read it. What they rely on:

- ``serve`` is ``capture_signals`` around ``startup``, ``main_loop`` and ``shutdown``;
- ``main_loop`` looks at ``should_exit`` ten times in a second;
- ``shutdown`` closes ``servers`` and the sockets, then waits for ``server_state.connections`` and
  ``server_state.tasks`` to become empty, for ``timeout_graceful_shutdown`` at most, and cancels the
  tasks that are left.
"""

import asyncio
import contextlib
import functools
import math
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from webhook.server.connections import Connections, failing_with
from webhook.server.protocol import Address, BoundedProtocol
from webhook.server.shortcut import ReviewProtocol
from webhook.settings import Settings

_BACKLOG: Final = 2048
"""Connections that may wait to be accepted."""
_RECEIVE_BUFFER: Final = 32 * 1024
"""Bytes that the kernel keeps of what a client sends ahead (it doubles this). It bounds one read as
well, of which uvloop's TLS keeps the room for as long as the connection lasts (uvloop 0.23,
sslproto.pyx, _ssl_buffer): measured on connections that had sent a large body, 180 KiB each instead
of 684."""
_SEND_BUFFER: Final = 64 * 1024
"""Bytes of answers that the kernel keeps for a client that does not read (it doubles this). Left to
itself it keeps up to 4 MiB of each, which count as the container's memory."""
_TICK: Final = 0.02
"""Seconds between looks at whether requests are still in flight."""
_LAST_ANSWERS: Final = 0.25
"""Seconds that the last answers get to reach their clients."""


class ListenError(Exception):
    """A port cannot be listened on; the text is one sentence for a person."""


class ServerStoppedError(Exception):
    """A server ended that should have gone on."""


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; uvicorn itself would end the process on an error.

    Args:
        host: Address; empty for all addresses, IPv4 and IPv6.
        port: TCP port; 0 picks a free one.

    Raises:
        ListenError: The port is taken or not allowed, or the address is not ours.
    """
    try:
        if not host and socket.has_dualstack_ipv6():
            listening = socket.create_server(
                (host, port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True
            )
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # create_server of Python 3.11 adds " (while attempting to bind on address ...)".
        why = str(error.strerror).partition(" (while")[0]
        raise ListenError(
            f"Port {port} of {host or 'all addresses'} cannot be listened on: {why}. "
            "Choose another with --host, --port or --ops-port."
        ) from error
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return listening


class HttpServer(uvicorn.Server):
    """A uvicorn server that leaves signals to us and can be run beside another one.

    Args:
        app: What is served; ``app.state.rejected``, if set, is told what ``BoundedProtocol`` tells,
            and ``app.state.handshake_failed`` what ``Connections`` tell. With
            ``app.state.answer_at_once`` connections are of ``ReviewProtocol``, which asks it.
        settings: Timeouts of connections, and the grace of requests in flight at the end.
        limit: Connections at a time.
        context: Of TLS; ``None``: none is spoken.
    """

    def __init__(
        self,
        app: FastAPI,
        settings: Settings,
        limit: int,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",  # what BoundedProtocol is made of
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                log_level="error",  # it warns of every broken request, as often as there are any
                proxy_headers=False,
                server_header=False,
                date_header=False,
                # Whole seconds: uvicorn 0.54 declares both as int.
                timeout_keep_alive=math.ceil(settings.timeouts.keep_alive),
                timeout_graceful_shutdown=int(settings.shutdown.grace),
                # Ours as it is: without a factory uvicorn 0.54 reads files of its own.
                ssl_context_factory=None if context is None else lambda *_: context,
            )
        )
        self._rejected: Callable[..., None] = getattr(app.state, "rejected", lambda *_: None)
        self._handshake_failed: Callable[[Address, OSError], None] = getattr(
            app.state, "handshake_failed", lambda *_: None
        )
        self._answer_at_once: Callable[[bytes], bytes | None] | None = getattr(
            app.state, "answer_at_once", None
        )
        self._limit = limit
        self._timeouts = settings.timeouts
        self._connections: list[Connections] = []
        self._listening = asyncio.Event()

    @contextlib.asynccontextmanager
    async def serving(self, listening: socket.socket) -> AsyncIterator[None]:
        """Serve on a socket while the context lasts; then answer what is in flight.

        A server that ends by itself ends the context with it, wherever that is waiting: the process
        then stops and is started anew, instead of looking alive with nobody answering.

        Args:
            listening: The socket; closed at the end.

        Raises:
            ServerStoppedError: The server ended and gave no reason; else whatever the reason was.
        """
        async with failing_with(self._serve_until_told(listening)) as task:
            await self._listening.wait()
            try:
                yield
            finally:
                self.should_exit = True
                await asyncio.wait([task])

    async def _serve_until_told(self, listening: socket.socket) -> None:
        await self.serve([listening])
        if not self.should_exit:
            raise ServerStoppedError("A server ended by itself.")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals alone.

        uvicorn's own takes SIGINT and SIGTERM, and raises them again at the end.
        """
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell when done.

        uvicorn's own accepts without a bound, and what else it does is for lifespans and for
        sockets that it opens itself.
        """
        protocol: Callable[..., BoundedProtocol] = BoundedProtocol
        if self._answer_at_once is not None:
            protocol = functools.partial(ReviewProtocol, answer_at_once=self._answer_at_once)

        def make(lost: Callable[[BoundedProtocol], None]) -> BoundedProtocol:
            return protocol(
                self.config,
                self.server_state,
                {},
                timeouts=self._timeouts,
                rejected=self._rejected,
                lost=lost,
            )

        self.servers = []  # asyncio's servers, of which there are none: shutdown goes through them
        self._connections = [
            Connections(
                listening,
                make,
                self._limit,
                self._timeouts,
                self.config.ssl,
                failed=self._handshake_failed,
            )
            for listening in sockets or []
        ]
        self.started = True  # else ``serve`` leaves out ``shutdown``
        self._listening.set()

    async def main_loop(self) -> None:
        """Run, and accept connections meanwhile."""
        async with contextlib.AsyncExitStack() as accepting:
            for connections in self._connections:
                running = failing_with(connections.run())
                accepting.callback((await accepting.enter_async_context(running)).cancel)
            await super().main_loop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, as soon as every answer that is due has been given.

        uvicorn's own waits for connections as well, and one whose client is not reading just now
        lasts until that client has confirmed the end of TLS. So connections are ended here, once no
        request is in flight; and once more when uvicorn has given up waiting for requests.
        """
        # Kept, because the event loop refers to a task weakly (asyncio of Python 3.11).
        self._ending = asyncio.create_task(self._end_connections_when_answered())
        await super().shutdown(sockets)
        self._end_connections()
        await asyncio.sleep(_TICK)  # in which the loop closes them

    async def _end_connections_when_answered(self) -> None:
        while self.server_state.tasks:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(_TICK)
        await asyncio.sleep(_LAST_ANSWERS)
        self._end_connections()

    def _end_connections(self) -> None:
        for connections in self._connections:
            connections.end_all()
