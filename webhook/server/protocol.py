"""HTTP/1.1 on one connection: uvicorn's protocol, with bounds on what a client can make us do.

uvicorn 0.54 with httptools 0.9 takes a head of any size (measured: 180 MB of headers on one
connection cost 175 MB of memory), and waits without end wherever a byte arrived last: its one timer
is stopped by any byte, and started by the end of an answer only.

Here every connection has a deadline at all times. It is set where a state begins, and by nothing
that a client sends within a state. Whoever has accepted the connection
(:mod:`webhook.server.connections`) looks now and then whether it has passed: on the path of every
request that costs a few additions, and no timer.

The class below overrides methods that uvicorn calls of its own, so it relies on more than uvicorn
promises. What it relies on stands in a comment at each place. pyproject.toml allows no newer
uvicorn or httptools, until somebody has read it; tests/server/test_bounds.py fails where a method
that is overridden is gone.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from webhook.settings import Timeouts

Address = tuple[str, int]
"""Host and port of a client."""

HEAD_LIMIT: Final = 64 * 1024
"""Bytes of request line and headers. The API server sends less than 1 KiB; nginx takes 32 KiB and
Go 1 MiB. What stands between and behind the chunks of a body has the same limit."""
UNREAD: Final = 64 * 1024
"""Bytes of answers that wait for a client that does not read; then no more of its requests are
answered. An answer has less than 1 KiB."""
_HEADERS: Final = 100
"""Headers of one request, as many as Apache takes. The API server sends less than 10; each costs
many times its bytes here (64 KiB of the shortest are 2 MiB)."""
_PIPELINED: Final = 16
"""Requests that may wait behind one that is being answered. The API server sends none; uvicorn
keeps as many as arrive."""


class _UnacceptableError(Exception):
    """Raised inside a callback of the parser, to end the parsing.

    httptools 0.9 then raises HttpParserCallbackError, a HttpParserError, out of ``feed_data``; and
    on any HttpParserError uvicorn 0.54 calls ``send_400_response``.
    """


class BoundedProtocol(HttpToolsProtocol):
    """One connection, whose client decides neither how much is kept nor how long is waited.

    Its states, by the name that each has in :class:`webhook.settings.Timeouts`:

    =============  =============================================================
    handshake      TLS is being agreed upon
    first_request  no request has begun
    head           a head has begun, and nothing is being answered
    request        a body is awaited, or an answer is being made or written
    rest_of_body   the answer is given, and the body goes on
    keep_alive     all is answered and no head has begun, whatever else arrives
    closing        the connection is being closed, by whomever
    =============  =============================================================

    Args:
        config: Of the uvicorn server.
        server_state: What the connections of that server share.
        app_state: Copied into every request's scope.
        _loop: The running one, if not given.
        timeouts: How long each state may last.
        rejected: Told of every answer that the application has no part in: its HTTP status, the
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
        timeouts: Timeouts,
        rejected: Callable[[int, Address | None, str], None],
        lost: Callable[["BoundedProtocol"], None],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._timeouts = timeouts
        self._tell_rejected = rejected
        self._tell_lost = lost
        self._in_head = False
        self._in_body = False
        self._read = 0
        """Bytes of the last read."""
        self._first = True
        """Whether nothing of the last read belongs to an earlier request."""
        self._head = 0
        """Bytes of the reads that the head has had, without one that it shares with an earlier
        request: how much of it is whose is not known before it is complete."""
        self._wrapping = 0
        """Bytes of the reads since the head was complete, or since there was any body."""
        self._had_request = False
        """Whether a head was ever complete."""
        self._closing = False
        """Whether it is known that the connection is being closed."""
        self._idle = False
        """Whether all is answered and no head has begun: the state ``keep_alive``."""
        self.since = 0.0
        """When the present state began, by the event loop's clock."""
        self.deadline = 0.0
        """When the present state has lasted too long, by the same clock."""
        self._enter(timeouts.handshake)

    @property
    def connected(self) -> bool:
        """Whether TLS, if it is spoken, is agreed upon."""
        # uvicorn 0.54 sets it to None in __init__ and to the transport in connection_made.
        return self.transport is not None

    @property
    def eviction_rank(self) -> int | None:
        """How early this connection is ended where another needs its place: 0 goes first.

        0: no request so far, or closing anyway. 1: between two requests. 2: a body is arriving, or
        its client does not read what it gets. ``None``: never, because its client waits for an
        answer.
        """
        if not self._had_request or self._closing:
            return 0
        if not self._unanswered:
            return 1
        return 2 if self._in_body or self.flow.write_paused else None

    def overdue(self, now: float) -> bool:
        """Tell whether the present state has lasted too long.

        Args:
            now: By the event loop's clock.
        """
        return now >= self.deadline

    def look(self, now: float) -> None:
        """Close the connection if it was idle for too long, and note it if it is being closed.

        Args:
            now: By the event loop's clock.
        """
        if self._idle and not self._closing and now >= self.deadline:
            # Not overdue yet: as TLS wants it, an idle connection is closed, and not just ended.
            self.transport.close()
            self.deadline = math.inf
        if not self._closing and self.connected and self.transport.is_closing():
            # Noticed here, because uvicorn and asyncio begin to close at too many places.
            self._closing = True
            self.deadline = min(self.deadline, now + self._timeouts.closing)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        # TLS of uvloop 0.23 keeps 512 KiB of what is sent otherwise, and 256 of what comes while
        # nothing is read; without TLS there is no such limit of what comes, as nothing is kept.
        transport.set_write_buffer_limits(UNREAD)
        if transport.get_extra_info("ssl_object") is not None:
            transport.set_read_buffer_limits(UNREAD)  # type: ignore[attr-defined]
        self._enter(self._timeouts.first_request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing behind."""
        super().connection_lost(exc)
        # uvicorn 0.54 does so only if ``exc`` is None; the timer refers to the connection, whose
        # memory it would keep for the whole keep-alive.
        self._unset_keepalive_if_required()
        self._tell_lost(self)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, unless it is a head or a trailer that does not end."""
        began_before = self._in_head
        self._read = len(data)
        self._first = not (began_before or self._in_body)
        if began_before:
            self._head += self._read
        elif self._in_body:
            self._wrapping += self._read
        super().data_received(data)  # calls every on_... below that the data gives cause for
        if self._in_head:
            if self._large:
                self._reject_head()
            elif self._idle or not (began_before or self._unanswered):
                self._enter(self._timeouts.head)
        elif self._in_body and self._wrapped and not self.transport.is_closing():
            self.send_400_response("The body's chunks are wrapped in too much.")

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._in_head = True
        self._head = self._read if self._first else 0
        self._first = False
        super().on_message_begin()  # makes ``headers``, which are None before the first head

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is too large or too many are waiting already."""
        # What else came in the same reads, earlier requests or a body, is no part of the head.
        seen, self._head = self._head + self._read, 0
        if (seen > HEAD_LIMIT or len(self.headers) > _HEADERS) and self._large:
            raise _UnacceptableError
        self._in_head = False
        self._wrapping = 0
        if len(self.pipeline) >= _PIPELINED:
            raise _UnacceptableError
        self._had_request = self._in_body = True
        if not self._unanswered:
            self._enter(self._timeouts.request)
        self._begin()

    def on_body(self, body: bytes) -> None:
        """Pass it on; it is the application that bounds it."""
        self._wrapping = 0
        self._add(body)

    def on_message_complete(self) -> None:
        """Note that a body is complete, which may be later than its answer."""
        self._in_body = False
        self._complete()
        if not self._unanswered:
            self._enter_keep_alive()

    def on_response_complete(self) -> None:
        """Begin the next request, or wait for it."""
        super().on_response_complete()  # takes the next request from ``pipeline``, if there is one
        if self._unanswered:
            self._enter(self._timeouts.request)
        elif self._in_head:
            self._enter(self._timeouts.head)
        elif self._in_body:
            self._enter(self._timeouts.rest_of_body)
        else:
            self._enter_keep_alive()

    def send_400_response(self, msg: str) -> None:
        """Tell of what uvicorn rejects by itself: no HTTP/1.1, or broken."""
        if self._in_head and self._large:
            return  # data_received answers with 431 as soon as uvicorn has returned
        self._in_head = False
        # Where an application still reads its body, it misses the rest, and counts that itself.
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.more_body:
            self._rejected(400, msg)
        super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the request is answered like any other.

        uvicorn 0.54 would advise whoever reads the log to install packages, at every request that
        asks for another protocol.
        """

    def _begin(self) -> None:
        """Give the application a request whose head is complete."""
        super().on_headers_complete()
        if self.parser.should_upgrade():
            # Its parser takes what follows, a body for example, for the next request, since it
            # cannot know that nobody here speaks another protocol (httptools 0.9; CONNECT as well).
            self.cycle.keep_alive = False

    def _add(self, body: bytes) -> None:
        """Give it more of the body."""
        super().on_body(body)

    def _complete(self) -> None:
        """Tell it that the body is complete."""
        super().on_message_complete()

    @property
    def _unanswered(self) -> bool:
        """Whether a request has come whose answer is not complete."""
        # ``cycle`` is the newest request, also where older ones are still in ``pipeline``; answers
        # are given in order, so that it is the last one to be complete (uvicorn 0.54).
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _large(self) -> bool:
        """Whether the head has too many headers or too many bytes, as far as it has come."""
        # Parts that have been parsed are measured with ": " and the line's end.
        parsed = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        return len(self.headers) > _HEADERS or max(self._head, parsed) > HEAD_LIMIT

    @property
    def _wrapped(self) -> bool:
        """Whether there was no byte of body in too much.

        That is extensions of chunks, or trailers, which uvicorn 0.54 adds to the headers as they
        come, several reads' or a crowd of them in one.
        """
        return self._wrapping > HEAD_LIMIT or len(self.headers) > 2 * _HEADERS

    def _enter(self, seconds: float) -> None:
        """Begin a state that may last so many seconds."""
        self._idle = False
        self.since = now = self.loop.time()
        if not self._closing:  # which has its time, whatever is answered meanwhile
            self.deadline = now + seconds

    def _enter_keep_alive(self) -> None:
        """Begin to wait for the next request.

        uvicorn's own timer (``timeout_keep_alive``, the same seconds) closes as well, where it was
        started and no byte has stopped it.
        """
        self._enter(self._timeouts.keep_alive)
        self._idle = True

    def _rejected(self, code: int, why: str) -> None:
        """Tell of a request that is answered here and not by the application."""
        self._tell_rejected(code, self.client, why)

    def _reject_head(self) -> None:
        """Answer that the head is too large, and close."""
        self._in_head = False
        sentence = f"The request's headers are larger than {HEAD_LIMIT} bytes."
        if len(self.headers) > _HEADERS:
            sentence = f"The request has more than {_HEADERS} headers."
        self._rejected(431, sentence)
        # Written as uvicorn writes its 400: there is no cycle whose ``send`` could be used.
        self.transport.write(
            STATUS_LINE[431]
            + b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
            + f"content-length: {len(sentence)}\r\n\r\n{sentence}".encode()
        )
        self.transport.close()
