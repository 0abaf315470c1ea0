"""HTTP/1.1 on one connection: uvicorn's, with an end to what a client may make us keep or await.

uvicorn and httptools take a head of any size (measured: 180 MB of headers on one connection cost
175 MB of memory), and wait without end wherever a byte arrived last: their one timer stops at any
byte and is started by an answer only. So every connection has a deadline here, at all times: it is
set where a state begins, and by nothing that a client sends within a state. Whoever has accepted
the connection looks at it now and then. On the path of every request this costs a few additions.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from webhook.settings import Patience

Address = tuple[str, int]
"""Host and port of a client."""
HEAD_LIMIT = 64 * 1024
"""Bytes of request line and headers. The API server sends less than 1 KiB; nginx takes 32 KiB and
Go 1 MiB. What stands between and behind the chunks of a body has the same limit."""
_HEADERS = 100
"""Headers of one request, as many as Apache takes. The API server sends less than 10; each costs
many times its bytes here (64 KiB of the shortest are 2 MiB)."""
_PIPELINED = 16
"""Requests that may wait behind one that is being answered. The API server sends none; uvicorn
keeps as many as arrive."""


class _UnacceptableError(Exception):
    """Stops the parser; uvicorn then asks for an answer of 400."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection, whose client decides neither how much is kept nor how long is waited.

    Its states, by the name that each has in :class:`webhook.settings.Patience`:

    =========  ==============================================================
    handshake  TLS is being agreed upon
    silence    no request has begun
    head       a head has begun, and nothing is being answered
    request    a body is awaited, or an answer is being made or written
    rest       the answer is given, and the body goes on
    idle       all is answered, whatever arrives that begins no head
    closing    the connection is being closed, by whomever
    =========  ==============================================================

    Args:
        config: As uvicorn wants it; likewise the next three.
        server_state: What connections share.
        app_state: Copied into every request's scope.
        _loop: The running one, if not given.
        patience: How long each state may last.
        refused: Told of every answer that the application has no part in: its HTTP status, the
            client's address, and why.
        lost: Told when the connection is gone.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        patience: Patience,
        refused: Callable[[int, tuple[str, int] | None, str], None],
        lost: Callable[["BoundedProtocol"], None],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = patience
        self._tell_refused = refused
        self._lost = lost
        self._in_head = False
        self._in_body = False
        self._read = 0
        """Bytes of the last read."""
        self._size = 0
        """Bytes of the reads since the head began, or since there was any body: never less than
        what is kept of them, seldom more."""
        self._asked = False
        """Whether there ever was a request."""
        self._ending = False
        """Whether it is known that the connection is being closed."""
        self.since = 0.0
        """When the present state began, by the event loop's clock."""
        self.deadline = 0.0
        """When it has lasted too long."""
        self._enter(patience.handshake)

    @property
    def connected(self) -> bool:
        """Whether TLS, if it is spoken, is agreed upon."""
        return self.transport is not None

    @property
    def loss(self) -> int | None:
        """How much would be lost with the connection: 0 is least, ``None`` is an answer."""
        if not self._asked or self._ending:
            return 0
        if not self._unanswered:
            return 1
        return 2 if self._in_body else None

    def overdue(self, now: float) -> bool:
        """Tell whether the present state has lasted too long.

        Args:
            now: By the event loop's clock.
        """
        if not self._ending and self.connected and self.transport.is_closing():
            # Noticed here, because there are too many places where a connection begins to end.
            self._ending = True
            self.deadline = min(self.deadline, now + self._patience.closing)
        return now >= self.deadline

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._enter(self._patience.silence)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing behind: uvicorn's timer would keep the connection's memory."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, unless it is a head or a trailer that does not end."""
        began_before = self._in_head
        self._read = len(data)
        self._size += self._read
        super().data_received(data)
        if self._in_head:
            if self._large:
                self._refuse_head()
            elif not (began_before or self._unanswered):
                self._enter(self._patience.head)
        elif self._in_body and self._size > HEAD_LIMIT and not self.transport.is_closing():
            self.send_400_response("The body's chunks are wrapped in too much.")

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._in_head = True
        self._size = self._read
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is too large or too many are waiting already."""
        # The read that completes a head can be larger than the limit, and may hold a body as well.
        if self._large and (len(self.headers) > _HEADERS or self._parsed() > HEAD_LIMIT):
            raise _UnacceptableError
        self._in_head = False
        if len(self.pipeline) >= _PIPELINED:
            raise _UnacceptableError
        self._asked = self._in_body = True
        if not self._unanswered:
            self._enter(self._patience.request)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass it on; it is the application that bounds it."""
        self._size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that a body is complete, which may be later than its answer."""
        super().on_message_complete()
        self._in_body = False
        if not self._unanswered:
            self._enter(self._patience.idle + self._patience.closing)

    def on_response_complete(self) -> None:
        """Begin the next request, or wait for it."""
        super().on_response_complete()
        patience = self._patience
        if self._unanswered:
            self._enter(patience.request)
        elif self._in_head:
            self._enter(patience.head)
        elif self._in_body:
            self._enter(patience.rest)
        else:
            # Later than uvicorn, which says goodbye as TLS wants it, unless a byte stopped it.
            self._enter(patience.idle + patience.closing)

    def send_400_response(self, msg: str) -> None:
        """Count what uvicorn refuses by itself: no HTTP/1.1, or broken."""
        if self._in_head and self._large:
            return  # to be answered with 431
        self._in_head = False
        if not self._unanswered or not self.cycle.more_body:
            self._refused(400, msg)  # else the application misses its body, and counts that
        super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the request is answered like any other.

        uvicorn's advice to whoever reads the log would be to install packages.
        """

    @property
    def _unanswered(self) -> bool:
        """Whether a request has come whose answer is not complete; the last is answered last."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _large(self) -> bool:
        """Whether a head may be too large, or is."""
        return self._size > HEAD_LIMIT or len(self.headers) > _HEADERS

    def _enter(self, seconds: float) -> None:
        """Begin a state that may last so long."""
        self.since = now = self.loop.time()
        self.deadline = now + seconds

    def _refused(self, code: int, why: str) -> None:
        """Tell of a refusal."""
        self._tell_refused(code, self.client, why)

    def _parsed(self) -> int:
        """Measure the head that has been parsed."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse_head(self) -> None:
        """Answer that the head is too large, and close."""
        self._in_head = False
        sentence = f"The request's headers are larger than {HEAD_LIMIT} bytes."
        if len(self.headers) > _HEADERS:
            sentence = f"The request has more than {_HEADERS} headers."
        self._refused(431, sentence)
        self.transport.write(
            STATUS_LINE[431]
            + b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
            + f"content-length: {len(sentence)}\r\n\r\n{sentence}".encode()
        )
        self.transport.close()
