"""A TCP relay: a Service's balancing where there is no kube-proxy, or an API server that hangs."""

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from tests.controlplane.ports import LOOPBACK

_CHUNK = 65536
_START_SECONDS = 60.0


class Relay:
    """Forwards each new connection to the next of its targets, without a look at what it carries.

    That is what kube-proxy does with a Service's connections. The real path, through a Service and
    the API server's own resolver, is what the chart's tests take.

    Attributes:
        port: where it listens, once entered.
        targets: ports on loopback; a new tuple counts for connections from then on.
    """

    def __init__(self, *targets: int) -> None:
        """Describe it; nothing listens yet."""
        self.port = 0
        self.targets = targets
        self._turns = itertools.count()
        self._loop: asyncio.AbstractEventLoop
        self._flowing: asyncio.Event
        self._ended: asyncio.Event
        self._listening = threading.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="relay")

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        assert self._listening.wait(_START_SECONDS)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close everything."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep back all bytes and answer nothing, as a network that drops packets does."""
        self._loop.call_soon_threadsafe(self._flowing.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._flowing.set)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._flowing, self._ended = asyncio.Event(), asyncio.Event()
        self._flowing.set()
        with socket.create_server((LOOPBACK, 0)) as listening:
            listening.setblocking(False)
            self.port = listening.getsockname()[1]
            self._loop.add_reader(listening, self._accept, listening)
            self._listening.set()
            await self._ended.wait()
            self._loop.remove_reader(listening)
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # who called may have gone
            client, _ = listening.accept()
            connection = asyncio.create_task(self._relay(client))
            self._connections.add(connection)
            connection.add_done_callback(self._connections.discard)
            connection.add_done_callback(lambda _: client.close())  # it may never have begun

    async def _relay(self, client: socket.socket) -> None:
        """Forward one connection until either side ends it."""
        await self._flowing.wait()
        port = self.targets[next(self._turns) % len(self.targets)]
        with socket.socket() as server:
            for each in (client, server):
                each.setblocking(False)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                await self._loop.sock_connect(server, (LOOPBACK, port))
            except OSError:
                return
            ways = [
                asyncio.create_task(self._pump(client, server)),
                asyncio.create_task(self._pump(server, client)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        """Forward one way."""
        with contextlib.suppress(OSError):
            while data := await self._loop.sock_recv(source, _CHUNK):
                await self._flowing.wait()
                await self._loop.sock_sendall(sink, data)
