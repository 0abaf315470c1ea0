"""Something in the background that must not end before what relies on it.

The connections of one port: how many there may be, and which of them have to end.

asyncio's own server accepts as many as come, and tells of a connection only once TLS stands. So
they are accepted here, and from the first packet to the last nothing is without a deadline.
"""

import asyncio
import contextlib
import operator
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine

from webhook.server.protocol import Address, BoundedProtocol
from webhook.settings import Patience


@contextlib.asynccontextmanager
async def failing_with(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run something beside the context, which is cancelled and fails if the other one does.

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


_RETRY = 1.0
"""Seconds until the next try, where the system has no room for a connection; as asyncio does."""
_BUSY = 0.02
"""Seconds until it is looked again for a connection that can be ended."""
_SILENT = 4
"""One in so many may be a connection that never asked anything: one that has just come must not
have to go before a crowd that has asked."""
Make = Callable[[Callable[[BoundedProtocol], None]], BoundedProtocol]
"""Makes the protocol of a connection; its argument is to be told when that is lost."""


class Connections:
    """What is connected to a listening socket.

    When there are as many as may be, one more is let in for the one that is missed least: one that
    never asked anything, if there are many of them; then one that waits for its next request, then
    one whose body is still arriving; of these the one that has been so for the longest time.
    Whoever waits for an answer loses nothing: where all do, further connections wait.

    Args:
        listening: Where they arrive.
        make: Makes their protocols.
        limit: How many there may be.
        patience: How long they are waited for.
        context: Of TLS, if it is spoken.
        failed: Told whose handshake failed, and how; nobody else hears of it.
    """

    def __init__(
        self,
        listening: socket.socket,
        make: Make,
        limit: int,
        patience: Patience,
        context: ssl.SSLContext | None,
        *,
        failed: Callable[[Address, OSError], None],
    ) -> None:
        listening.setblocking(False)
        self._listening = listening
        self._make = make
        self._limit = limit
        self._patience = patience
        self._context = context
        self._failed = failed
        self._open: dict[BoundedProtocol, asyncio.Task[None]] = {}

    async def tend(self) -> None:
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
                await self._room()
                until_connected.pop_all()
            protocol = self._make(self._forget)
            self._open[protocol] = loop.create_task(self._connect(accepted, client[:2], protocol))

    async def _connect(
        self, accepted: socket.socket, client: Address, protocol: BoundedProtocol
    ) -> None:
        """Agree upon TLS, and leave the connection to its protocol."""
        # In time by themselves as well: a connection may have been ended while asyncio began it.
        times = {
            "ssl_handshake_timeout": self._patience.handshake,
            "ssl_shutdown_timeout": self._patience.closing,
        }
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: protocol,
                accepted,
                ssl=self._context,
                **(times if self._context else {}),
            )
        except OSError as error:  # no TLS, no common version, no trust, no patience
            self._failed(client, error)
        except asyncio.CancelledError:
            if protocol.overdue(loop.time()):
                self._failed(client, TimeoutError("TLS was not agreed upon in time"))
            raise
        finally:
            if not protocol.connected:
                accepted.close()
                self._forget(protocol)

    async def _end_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience.look)
            now = loop.time()
            for protocol in [each for each in self._open if each.overdue(now)]:
                self._end(protocol)

    async def _room(self) -> None:
        """Wait until there is room for a connection, for which the one missed least is ended."""
        while len(self._open) >= self._limit:
            losses = ((each.loss, each.since, each) for each in self._open)
            ranked = [(loss, since, each) for loss, since, each in losses if loss is not None]
            if sum(loss == 0 for loss, _, _ in ranked) <= self._limit // _SILENT:
                ranked = [(max(loss, 1), since, each) for loss, since, each in ranked]
            if ranked:
                self._end(min(ranked, key=operator.itemgetter(0, 1))[2])
            else:
                await asyncio.sleep(_BUSY)

    def _end(self, protocol: BoundedProtocol) -> None:
        """End a connection at once: the end of TLS would wait for a client that may be silent."""
        connecting = self._open.pop(protocol)
        if protocol.connected:
            protocol.transport.abort()
        else:
            connecting.cancel()

    def _forget(self, protocol: BoundedProtocol) -> None:
        """Take note of a connection that is gone."""
        self._open.pop(protocol, None)
