"""Requests and handshakes that are turned down: what the client is answered, and what we note.

A rejection is an answer that is no decision. It is made here, in the form that the API server
passes on; each one is counted, as each handshake that failed; and some of them are logged, with the
client's address.
"""

import asyncio
import contextlib
import enum
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from webhook.certificates.serving import NO_CLIENT_CERTIFICATE, WrongNameError
from webhook.logs import printable
from webhook.metrics import Metrics
from webhook.server.protocol import Address

_LINGER: Final = 1.0
"""Seconds that a client gets to finish sending, so that it comes to read the answer."""
_DISCARD: Final = 64 * 1024 * 1024
"""Bytes that a client may send meanwhile; three times the largest review."""
_QUOTE: Final = 100
"""Characters of somebody's text that a sentence quotes."""
_LINES: Final = 10
"""Lines of one kind that are logged within :data:`_WINDOW`: enough to see who it is and that it
goes on."""
_WINDOW: Final = 60.0
"""Seconds within which :data:`_LINES` are logged; after them the count begins anew."""
_MAPPED: Final = "::ffff:"
"""What an IPv4 address begins with at a socket for both families (RFC 4291 section 2.5.5.2)."""
_log = structlog.get_logger(__name__)


class HandshakeFailure(enum.StrEnum):
    """Why a connection ended before TLS was agreed upon."""

    NO_CERTIFICATE = "client-certificate-missing"
    """The client has none, and ``clients`` of the settings asks for one."""

    UNTRUSTED = "client-certificate-untrusted"
    """The client's is of no authority that may issue them."""

    WRONG_NAME = "client-name"
    """The client's has none of the names that may call."""

    REFUSED = "refused-by-client"
    """The client says that it does not accept our certificate; one that says nothing is
    ``closed``."""

    TLS = "tls"
    """What came is no TLS, or none that we speak."""

    TIMEOUT = "timeout"
    """The client took longer than the handshake may last."""

    CLOSED = "closed"
    """By the client, without a word: whoever just looks whether a port is open does so."""


class Throttle:
    """Bounds how often a line of one kind is logged.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[str, tuple[float, int]] = {}
        """By kind: when the window began, and how often a line was asked for since."""

    def admits(self, kind: str) -> int | None:
        """Ask whether a line may be written.

        Args:
            kind: One of a few; each is remembered.

        Returns:
            ``None``: it may not. Else how many were left out before it.
        """
        now = self._clock()
        began, count = self._kinds.get(kind, (now, 0))
        left_out = 0
        if now - began >= _WINDOW:
            left_out = max(0, count - _LINES)
            began, count = now, 0
        self._kinds[kind] = began, count + 1
        return left_out if count < _LINES else None


class Rejections:
    """Counts and logs requests that are no review, and connections that came to no request.

    Each is counted; not each is logged, because a stranger decides how many there are.

    Args:
        metrics: Of this process.
        throttle: Decides what is logged; one of its own, if not given.
    """

    def __init__(self, metrics: Metrics, throttle: Throttle | None = None) -> None:
        self._metrics = metrics
        self._throttle = throttle or Throttle()
        for reason in HandshakeFailure:  # so that the first one is seen as an increase
            metrics.handshakes_failed.labels(reason)

    def request(self, code: int, client: Address | None, why: str) -> None:
        """Count an answer that is no decision, and log it if that is not too often.

        Args:
            code: HTTP status.
            client: Who asked; ``None`` where the connection cannot tell.
            why: One sentence.
        """
        self._metrics.rejected.labels(str(code)).inc()
        left_out = self._throttle.admits(str(code))
        if left_out is not None:
            _log.warning(
                "request-rejected",
                code=code,
                why=why,
                client=_written(client),
                **_left_out(left_out),
            )

    def handshake(self, client: Address, error: OSError) -> None:
        """Count a connection that ended before TLS was agreed upon, and log it likewise.

        Args:
            client: Who connected.
            error: What the event loop raised.
        """
        reason = _reason(error)
        self._metrics.handshakes_failed.labels(reason).inc()
        left_out = self._throttle.admits(reason)
        if left_out is not None:
            tell = _log.info if reason is HandshakeFailure.CLOSED else _log.warning
            tell(
                "handshake-failed",
                reason=reason,
                why=_why(error),
                client=_written(client),
                **_left_out(left_out),
            )


def _left_out(count: int) -> dict[str, int]:
    """Make the field that tells how many lines were left out before one; no field for none."""
    return {"left_out": count} if count else {}


def rejection_response(
    sentence: str, code: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Make an answer that is no decision, whose sentence reaches whoever sent the object.

    It is a Kubernetes ``Status``, the only form that the API server passes on word by word. Of
    plain text it shows 415 and 5xx only; for 404 its own words would be "the server could not find
    the requested resource", which sends people looking for the wrong thing.

    Args:
        sentence: For a person.
        code: HTTP status.
        headers: Of the answer. With ``Connection: close`` among them the client may finish sending
            before the connection ends.

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


def quoted(text: str) -> str:
    """Quote somebody's text: not much of it, and nothing that cannot be seen."""
    return printable(text[:_QUOTE])


class _LastAnswer(Response):
    """An answer that ends its connection, given while the client may still be sending.

    To close at once would reset the connection, and the answer in it would be lost on every client
    that sends its whole body before it reads. So the answer is written in full, what still arrives
    is thrown away, and only then is the answer declared complete, at which uvicorn closes.

    Overrides what a Starlette ``Response`` does as an ASGI application (Starlette 1.10), which is
    to send both messages at once.
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


def _reason(error: OSError) -> HandshakeFailure:
    """Tell which reason an error of the event loop stands for."""
    if isinstance(error, WrongNameError):
        return HandshakeFailure.WRONG_NAME
    if isinstance(error, ssl.SSLCertVerificationError):
        return HandshakeFailure.UNTRUSTED
    if isinstance(error, ssl.SSLError):
        return _reason_of_openssl(getattr(error, "reason", None) or "")
    # ConnectionAbortedError: the event loop's own deadline (asyncio of Python 3.11, uvloop 0.23);
    # TimeoutError: that of webhook.server.connections.
    if isinstance(error, ConnectionAbortedError | TimeoutError):
        return HandshakeFailure.TIMEOUT
    return HandshakeFailure.CLOSED


def _reason_of_openssl(reason: str) -> HandshakeFailure:
    """Tell which reason an error of OpenSSL stands for.

    Args:
        reason: What ``ERR_reason_error_string`` says, as Python spells it; "" if it says nothing.
    """
    if reason == NO_CLIENT_CERTIFICATE:
        return HandshakeFailure.NO_CERTIFICATE
    # Alerts about certificates: RFC 8446 section 6.2, 42 to 49.
    if "_ALERT_" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
        return HandshakeFailure.REFUSED
    return HandshakeFailure.TLS


def _why(error: OSError) -> str:
    """Say what OpenSSL or the system says; OpenSSL's own text would name its source files."""
    reason = getattr(error, "reason", None) or ""
    said = getattr(error, "verify_message", "") or reason.replace("_", " ").lower()
    return str(said or error) or "the client closed the connection"


def _written(client: Address | None) -> str:
    """Write an address as in a URL."""
    if client is None:
        return "unknown"
    host, port = client[0].removeprefix(_MAPPED), client[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
