"""The server's event loop with connections that are in memory: no kernel, no TLS, no client."""

import asyncio
import collections
import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvloop

_LENGTH: Final = re.compile(rb"content-length: (\d+)")
_CLIENT: Final = ("192.0.2.1", 40000)
"""Host and port of every client (RFC 5737)."""
_SLOW: Final = 50


class InMemoryTransport(asyncio.Transport):
    """The server's end of a connection.

    Args:
        protocol: Gets what the client sends.
    """

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": _CLIENT, "sockname": ("192.0.2.2", 8443)})
        self._answer = b""
        """What has come since the last request."""
        self._protocol = protocol
        self._reading = True
        self._closed = False

    async def ask(self, request: tuple[bytes, ...]) -> bytes:
        """Send a request, and return its answer, head and body.

        Args:
            request: Its bytes, a piece for each read of the server.

        Raises:
            ConnectionError: The server has closed the connection.
        """
        self._answer = b""
        for piece in request:
            self._protocol.data_received(piece)
            while not self._reading:  # noqa: ASYNC110  a turn of the loop for each look
                await asyncio.sleep(0)
        while True:
            await asyncio.sleep(0)  # as each read is a turn of the loop of its own
            if _complete(self._answer):
                return self._answer
            if self._closed:
                raise ConnectionError(f"The connection was closed, after {self._answer!r}.")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Give the client some bytes."""
        self._answer += data

    def pause_reading(self) -> None:
        """Take nothing more from the client."""
        self._reading = False

    def resume_reading(self) -> None:
        """Go on."""
        self._reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Ignore: the client takes all that it gets."""

    def is_closing(self) -> bool:
        """Tell whether it is closed."""
        return self._closed

    def close(self) -> None:
        """Close it."""
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close


class InMemoryLoop(uvloop.Loop):
    """The loop of ``serve``, but for how a server accepts, and how fast timers are."""

    def __init__(self) -> None:
        super().__init__()
        self._dialled: dict[int, asyncio.Queue[asyncio.Future[InMemoryTransport]]] = (
            collections.defaultdict(asyncio.Queue)
        )
        """Clients that wait to be accepted, by port."""
        self._accepted: asyncio.Future[InMemoryTransport] | None = None
        self._slowness = 1

    async def dial(self, port: int) -> InMemoryTransport:
        """Open a connection to a port at which a server of this loop accepts."""
        connected: asyncio.Future[InMemoryTransport] = self.create_future()
        self._dialled[port].put_nowait(connected)
        return await connected

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """Wait for a client; it has no socket, so there is one without a connection instead."""
        self._accepted = await self._dialled[sock.getsockname()[1]].get()
        return socket.socket(), _CLIENT

    async def connect_accepted_socket(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.Protocol], sock: socket.socket, **_tls: Any
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        """Connect the protocol of the client that was accepted last."""
        sock.close()
        assert self._accepted is not None
        protocol = protocol_factory()
        transport = InMemoryTransport(protocol)
        protocol.connection_made(transport)
        self._accepted.set_result(transport)
        return transport, protocol

    @contextlib.contextmanager
    def slow_timers(self) -> Iterator[None]:
        """Have timers that begin in this context take longer than they should.

        Under valgrind all code is tens of times slower. Timers that are not would run more often
        for each review, and the more often, the busier the machine is.
        """
        self._slowness = _SLOW
        try:
            yield
        finally:
            self._slowness = 1

    # uvloop 0.23 comes here from ``call_at`` as well.
    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """Call when it is due."""
        return super().call_later(delay * self._slowness, callback, *args, context=context)


def _complete(answer: bytes) -> bool:
    """Tell whether an answer has come as long as its head says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return length is not None and len(body) == int(length[1])
