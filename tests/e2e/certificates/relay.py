"""A TCP relay: a Service's balancing where there is no kube-proxy, or an API server that hangs."""

import asyncio
import contextlib
import itertools
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
        server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._ended.wait()
        server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0.05)  # transports close in the loop's next rounds

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._relay(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until either side ends it."""
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(writer.transport.abort)
            await self._flowing.wait()
            port = self.targets[next(self._turns) % len(self.targets)]
            try:
                theirs, to_them = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                return
            stack.callback(to_them.close)
            stack.callback(writer.close)
            ways = [
                asyncio.create_task(self._pump(reader, to_them)),
                asyncio.create_task(self._pump(theirs, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Forward one way."""
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
