"""The connections of one port: how many there may be, and which of them have to end.

asyncio's own server (``loop.create_server``, uvloop's as well) accepts as many connections as come,
and tells of one only once TLS is agreed upon. So they are accepted here, and from the first packet
to the last nothing is without a deadline.
"""

import asyncio
import contextlib
import operator
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Final

from webhook.server.protocol import Address, BoundedProtocol
from webhook.settings import Timeouts

_RETRY: Final = 1.0
"""Seconds until the next try, where the system has no room for a connection; as asyncio does."""
_BUSY: Final = 0.02
"""Seconds until the next look for a connection that can be ended."""
_SILENT: Final = 4
"""A divisor: connections without a request so far are the first to be ended once they are more than
the limit divided by this. Fewer are ended by age like those that wait for their next request, since
one that has just been opened must not be ended before a crowd of idle ones."""

MakeProtocol = Callable[[Callable[[BoundedProtocol], None]], BoundedProtocol]
"""Makes the protocol of a connection; its argument is to be told when that connection is lost."""


@contextlib.asynccontextmanager
async def failing_with(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run something beside the context; when either fails, the other is cancelled.

    For what must not end unnoticed while something else relies on it. The context ends when both
    have ended.

    Args:
        work: Runs in a task of its own, which the context gets.

    Raises:
        Exception: What was raised first, and not in a group, so that callers can tell it apart.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group.create_task(work)
    except BaseExceptionGroup as errors:
        error = errors.exceptions[0]
    else:
        return
    raise error


class Connections:
    """What is connected to a listening socket.

    When there are as many as may be, one is ended for each that comes:

    1. one without a request so far, if these are more than a quarter of the limit;
    2. else one that waits for a request, its first or its next;
    3. else one whose body is still arriving, or whose client does not read what it gets;

    of these the one that has been so for the longest time. Whoever waits for an answer loses
    nothing: where all do, further connections wait.

    Args:
        listening: The socket where they arrive.
        make: Makes their protocols.
        limit: How many there may be.
        timeouts: How long each of their states may last.
        context: Of TLS; ``None``: none is spoken.
        failed: Told whose handshake failed, and how. The error goes nowhere else.
    """

    def __init__(
        self,
        listening: socket.socket,
        make: MakeProtocol,
        limit: int,
        timeouts: Timeouts,
        context: ssl.SSLContext | None,
        *,
        failed: Callable[[Address, OSError], None],
    ) -> None:
        listening.setblocking(False)
        self._listening = listening
        self._make = make
        self._limit = limit
        self._timeouts = timeouts
        self._context = context
        self._failed = failed
        self._open: dict[BoundedProtocol, asyncio.Task[None]] = {}
        """Each with the task that agrees upon TLS and is then over."""

    async def run(self) -> None:
        """Accept connections, and end those that last too long, until cancelled."""
        async with failing_with(self._end_overdue()):
            await self._accept()

    def end_all(self) -> None:
        """End every connection, whatever is under way."""
        for protocol in list(self._open):
            self._end(protocol)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, client = await loop.sock_accept(self._listening)
            except OSError:  # the process may have no more files, or the client is gone again
                await asyncio.sleep(_RETRY)
                continue
            with contextlib.ExitStack() as until_connected:
                until_connected.enter_context(accepted)
                await self._make_room()
                until_connected.pop_all()
            protocol = self._make(self._forget)
            # Of IPv6 addresses flow label and scope come behind host and port.
            self._open[protocol] = loop.create_task(self._connect(accepted, client[:2], protocol))

    async def _make_room(self) -> None:
        """Wait until one more connection may be open; end another one for it if need be."""
        while len(self._open) >= self._limit:
            ranks = ((each.eviction_rank, each.since, each) for each in self._open)
            ranked = [(rank, since, each) for rank, since, each in ranks if rank is not None]
            if sum(rank == 0 for rank, _, _ in ranked) <= self._limit // _SILENT:
                ranked = [(max(rank, 1), since, each) for rank, since, each in ranked]
            if ranked:
                self._end(min(ranked, key=operator.itemgetter(0, 1))[2])
            else:
                await asyncio.sleep(_BUSY)

    async def _connect(
        self, accepted: socket.socket, client: Address, protocol: BoundedProtocol
    ) -> None:
        """Agree upon TLS, and leave the connection to its protocol."""
        # Deadlines of the event loop's own as well, whose defaults are 60 and 30 s (asyncio of
        # Python 3.11, uvloop 0.23): they hold where a connection is ended while the loop has just
        # begun with it, and nobody here knows it any more. Without TLS it wants to hear of neither.
        times = {
            "ssl_handshake_timeout": self._timeouts.handshake,
            "ssl_shutdown_timeout": self._timeouts.closing,
        }
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: protocol,
                accepted,
                ssl=self._context,
                **(times if self._context else {}),
            )
        except OSError as error:  # no TLS, no common version, no trust, not in time
            self._failed(client, error)
        except asyncio.CancelledError:
            if protocol.overdue(loop.time()):
                self._failed(client, TimeoutError("TLS was not agreed upon in time"))
            raise
        finally:
            if not protocol.connected:
                # The loop calls connection_lost only where it called connection_made (asyncio of
                # Python 3.11, uvloop 0.23), so nobody else takes note.
                accepted.close()
                self._forget(protocol)

    async def _end_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._timeouts.check_interval)
            now = loop.time()
            for protocol in list(self._open):
                protocol.look(now)
                if protocol.overdue(now):
                    self._end(protocol)

    def _end(self, protocol: BoundedProtocol) -> None:
        """End a connection at once.

        ``abort`` and not ``close``, which would send the end of TLS and wait for a client that may
        be silent.
        """
        connecting = self._open.pop(protocol)
        if protocol.connected:
            protocol.transport.abort()
        else:
            connecting.cancel()

    def _forget(self, protocol: BoundedProtocol) -> None:
        """Take note of a connection that is gone."""
        self._open.pop(protocol, None)
