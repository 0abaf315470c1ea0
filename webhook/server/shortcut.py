"""The short way of a review: answered where its last byte is parsed, without task or application.

Nearly every review is small, complete at once, and of a namespace that is in memory. For those the
application (:mod:`webhook.server.app`) costs more than reading, deciding and answering: a scope, a
task, a request, a response. So the protocol asks ``answer_at_once`` itself, in the parser's own
callback. Whatever is not as plain as the API server sends it, or cannot be answered at once, goes
to the application whole, as if it had just come; which rules and limits there are is known there.

On an API server a request comes in one or two reads: its client writes the head with the first 4
KiB, and then the rest (Go, net/http/transport.go, WriteBufferSize). So a short while is waited for
the rest of the body, and no longer: a slow client is the application's, with its deadlines.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from webhook.server.protocol import Address, BoundedProtocol
from webhook.settings import Timeouts

LARGEST: Final = 32 * 1024
"""Bytes of the largest body that is answered at once; 9 KiB are usual. As long as one is answered
nothing else is, and 256 connections that hold as much each stay below 8 MiB."""
_PATIENCE: Final = 0.02
"""Seconds that the rest of a body is waited for."""
_TARGET: Final = re.compile(rb"/mutate(\?[\w.=&-]*)?")
"""Where reviews come; the API server adds the query ``timeout=2s``.

Source:
    k8s.io/apiserver pkg/admission/plugin/webhook/mutating/dispatcher.go, callAttemptMutatingHook.
"""
_ANSWER: Final = (
    STATUS_LINE[200] + b"content-length: %d\r\ncontent-type: application/json\r\n\r\n%b"
)
"""As uvicorn 0.54 and Starlette 1.10 write it for the application."""


class ReviewProtocol(BoundedProtocol):
    """A connection on which most reviews are answered at once.

    Args:
        config: Of the uvicorn server, as all but the last are for :class:`BoundedProtocol`.
        server_state: What the connections of that server share.
        app_state: Copied into every request's scope.
        _loop: The running one, if not given.
        timeouts: How long each state may last.
        rejected: Told of every answer that the application has no part in.
        lost: Told when the connection is gone.
        answer_at_once: Makes an answer's body of a request's body, or ``None`` where only the
            application can.
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
        lost: Callable[[BoundedProtocol], None],
        answer_at_once: Callable[[bytes], bytes | None],
    ) -> None:
        super().__init__(
            config,
            server_state,
            app_state,
            _loop,
            timeouts=timeouts,
            rejected=rejected,
            lost=lost,
        )
        self._answer_at_once = answer_at_once
        self._held: bytes | None = None
        """What has come of the body of a request that the application does not know of yet."""
        self._patience: asyncio.TimerHandle | None = None
        """Ends the wait for the rest of it."""

    def data_received(self, data: bytes) -> None:
        """Take what arrived, and wait a short while for what is still missing."""
        super().data_received(data)
        if self._held is not None and self._patience is None:
            self._patience = self.loop.call_later(_PATIENCE, self._hand_over)

    def connection_lost(self, exc: Exception | None) -> None:
        """Have the application find that its client went away, as it does with any other."""
        self._hand_over()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End as uvicorn does it, which waits for what the application has begun."""
        self._hand_over()
        super().shutdown()

    def _begin(self) -> None:
        """Hold a request that may be answered at once."""
        if self._plain():
            self._held = b""
        else:
            super()._begin()

    def _add(self, body: bytes) -> None:
        """Hold its body as well."""
        if self._held is None:
            super()._add(body)
        else:
            self._held += body

    def _complete(self) -> None:
        """Answer at once, if that can be done."""
        if self._held is None:
            super()._complete()
            return
        body = self._let_go()
        answer = self._answer_at_once(body)
        if answer is None:
            self._pass_on(body)
            super()._complete()
            return
        self.transport.write(_ANSWER % (len(answer), answer))
        # As uvicorn 0.54 counts it; what else its on_response_complete does is for requests that
        # wait, of which there are none, and a timer for each answer.
        self.server_state.total_requests += 1

    @property
    def _unanswered(self) -> bool:
        """Whether a request has come whose answer is not complete."""
        return self._held is not None or super()._unanswered

    def _plain(self) -> bool:
        """Tell whether a head is as the API server sends it, and its body a small one.

        Nothing may be under way on the connection, and its client has to read what it gets.
        """
        parser = self.parser
        if (
            self._unanswered
            or self.flow.write_paused
            or self.expect_100_continue
            or parser.get_method() != b"POST"
            or parser.get_http_version() != "1.1"
            or not parser.should_keep_alive()
            or not _TARGET.fullmatch(self.url)
        ):
            return False
        length, is_json = LARGEST + 1, False
        for name, value in self.headers:
            if name == b"content-length":
                length = int(value)
            elif name == b"content-type":
                is_json = True
                if value != b"application/json":
                    return False
            elif name in {b"transfer-encoding", b"upgrade"}:
                return False
        return is_json and length <= LARGEST

    def _hand_over(self) -> None:
        """Give the application what is held, if anything is."""
        if self._held is not None:
            self._pass_on(self._let_go())

    def _pass_on(self, body: bytes) -> None:
        """Give the application a request from its beginning, with what has come of its body."""
        super()._begin()
        super()._add(body)

    def _let_go(self) -> bytes:
        """Hold nothing any more, and return what was held."""
        body, self._held = self._held or b"", None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        return body
