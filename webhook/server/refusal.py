"""An answer that is no decision, in the only form that the API server passes on word by word."""

import asyncio
import contextlib
from collections.abc import Mapping

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from webhook.telemetry.escaping import printable

_LINGER = 1.0
"""Seconds that a client gets to finish sending, so that it comes to read the answer."""

_DISCARD = 64 * 1024 * 1024
"""Bytes that a client may send meanwhile; three times the largest review."""


_QUOTE = 100
"""Characters of somebody's text that a sentence quotes."""


def quoted(text: str) -> str:
    """Quote somebody's text: not much of it, and nothing that cannot be seen."""
    return printable(text[:_QUOTE])


def refusal(sentence: str, code: int, headers: Mapping[str, str] | None = None) -> Response:
    """Make an answer whose sentence reaches whoever sent the object.

    Of plain text the API server shows 415 and 5xx only; for 404 its own words would be "the server
    could not find the requested resource", which sends people looking for the wrong thing.

    Args:
        sentence: For a person.
        code: HTTP status.
        headers: If ``Connection: close`` is among them, the client may finish sending first.

    Source:
        k8s.io/client-go rest/request.go Result.Error: a body that decodes as v1 Status is the
        error; k8s.io/apimachinery pkg/api/errors NewGenericServerResponse: what it is otherwise.
    """
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": sentence,
        "code": code,
    }
    kind = _LastAnswer if headers and headers.get("Connection") == "close" else Response
    return kind(msgspec.json.encode(status), code, headers, "application/json")


class _LastAnswer(Response):
    """An answer that ends its connection, given while the client may still be sending.

    To close at once would reset the connection, and the answer in it would be lost on every client
    that sends its whole body before it reads. So the answer is written in full, what still arrives
    is thrown away, and only then is the answer declared complete, at which uvicorn closes.
    """

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, linger, close."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_discard(receive), _LINGER)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    """Read what arrives and keep nothing, up to a bound."""
    left = _DISCARD
    more = True
    while more and left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)
