"""HTTP/1.1 on one connection: uvicorn's, with an end to what a client may make us keep or await.

uvicorn and httptools take a head of any size for any length of time (measured: 180 MB of headers on
one connection cost 175 MB of memory). What follows is on the path of every request, so as long as
heads come in one piece it costs a few additions and no timer.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_LIMIT = 64 * 1024
"""Bytes of request line and headers. The API server sends less than 1 KiB; nginx takes 32 KiB and
Go 1 MiB."""

_HEAD_TIME = 10.0
"""Seconds from the first byte of a head to its last; the API server's own deadline is 2."""

_SILENCE = 30.0
"""Seconds that a new connection may wait with its first byte. Not less, because the API server now
and then opens one that it needs only later, and a request into a connection that is just being
closed is lost; not ``keep_alive``, because this costs a stranger nothing."""

_PIPELINED = 16
"""Requests that may wait behind one that is being answered. The API server sends none; uvicorn
keeps as many as arrive."""


class _UnacceptableError(Exception):
    """Stops the parser; uvicorn then asks for an answer of 400."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection, whose client decides neither how much is kept nor how long is waited.

    Args:
        config: As uvicorn wants it; likewise the next three.
        server_state: What connections share.
        app_state: Copied into every request's scope.
        _loop: The running one, if not given.
        refused: Told the HTTP status of every answer that the application has no part in.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        refused: Callable[[int], None],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._refused = refused
        self._in_head = False
        self._size = 0
        """Bytes in the reads that the head came in: never less than the head, seldom more."""
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect_head_within(_SILENCE)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more: a timer would keep the connection's memory."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, unless it is a head that does not end."""
        began_before = self._in_head
        self._size = self._size + len(data) if began_before else len(data)
        super().data_received(data)
        if not self._in_head:
            return
        if self._size > HEAD_LIMIT:
            self._refuse_head()
        elif not began_before:
            self._expect_head_within(_HEAD_TIME)

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is too large or too many are waiting already."""
        self._in_head = False
        if self._deadline is not None:
            self._stop_waiting()
        # The read that completes a head can be larger than the limit, and may hold a body as well.
        if self._size > HEAD_LIMIT and self._parsed() > HEAD_LIMIT:
            self._in_head = True
            raise _UnacceptableError
        if len(self.pipeline) >= _PIPELINED:
            raise _UnacceptableError
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Count what uvicorn refuses by itself: no HTTP/1.1, or broken."""
        if self._in_head and self._size > HEAD_LIMIT:
            return  # to be answered with 431
        self._in_head = False
        if self.cycle is None or self.cycle.response_complete or not self.cycle.more_body:
            self._refused(400)  # else the application misses its body, and counts that
        super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the request is answered like any other.

        uvicorn's advice to whoever reads the log would be to install packages.
        """

    def _parsed(self) -> int:
        """Measure the head that has been parsed."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse_head(self) -> None:
        """Answer that the head is too large, and close."""
        self._stop_waiting()
        sentence = f"The request's headers are larger than {HEAD_LIMIT} bytes."
        self.logger.warning(sentence)
        self._refused(431)
        self.transport.write(
            STATUS_LINE[431]
            + b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
            + f"content-length: {len(sentence)}\r\n\r\n{sentence}".encode()
        )
        self.transport.close()

    def _expect_head_within(self, seconds: float) -> None:
        """Close the connection if no head is complete until then.

        Aborted, since the end of TLS would wait another 30 seconds for a client that is silent.
        """
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        """Stop the timer, if one is running."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
