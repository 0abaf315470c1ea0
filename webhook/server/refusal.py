"""How often the same thing is worth a line of the log, where a stranger decides how often it is.

An answer that is no decision, in the only form that the API server passes on word by word.

Who was turned away: counted each time, and logged with the address, though not each time.
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

from webhook.certificates.serving import WrongNameError
from webhook.logs import printable
from webhook.metrics import Metrics
from webhook.server.protocol import Address

_LINES: Final = 10
_WINDOW: Final = 60.0
"""So many lines of a kind in so many seconds: enough to see who it is and that it goes on."""


class Throttle:
    """Counts lines by their kind.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[str, tuple[float, int]] = {}
        """When the window began, and how often it happened since."""

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


_MAPPED = "::ffff:"
"""What an IPv4 address begins with at a socket for both families (RFC 4291 section 2.5.5.2)."""
_log = structlog.get_logger(__name__)


class HandshakeFailure(enum.StrEnum):
    """Why a connection ended before TLS was agreed upon."""

    NO_CERTIFICATE = "client-certificate-missing"
    UNTRUSTED = "client-certificate-untrusted"
    WRONG_NAME = "client-name"
    REFUSED = "refused-by-client"
    """The client says that it does not accept ours; those that say nothing are ``closed``."""
    TLS = "tls"
    """What came is no TLS, or none that we speak."""
    TIMEOUT = "timeout"
    CLOSED = "closed"
    """By the client, without a word: whoever just looks whether a port is open does so."""


class Rejections:
    """Tells of requests that are no review, and of connections that came to no request.

    Args:
        metrics: Of this process.
        throttle: Decides what is logged.
    """

    def __init__(self, metrics: Metrics, throttle: Throttle | None = None) -> None:
        self._metrics = metrics
        self._throttle = throttle or Throttle()
        for reason in HandshakeFailure:  # so that the first one is seen as an increase
            metrics.handshakes_failed.labels(reason)

    def request(self, code: int, client: Address | None, why: str) -> None:
        """Tell of an answer that is no decision.

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
                **({"left_out": left_out} if left_out else {}),
            )

    def handshake(self, client: Address, error: OSError) -> None:
        """Tell of a connection that ended before TLS was agreed upon.

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
                **({"left_out": left_out} if left_out else {}),
            )


def _reason(error: OSError) -> HandshakeFailure:
    """Put an error of the event loop among the reasons."""
    if isinstance(error, WrongNameError):
        return HandshakeFailure.WRONG_NAME
    if isinstance(error, ssl.SSLCertVerificationError):
        return HandshakeFailure.UNTRUSTED
    if isinstance(error, ssl.SSLError):
        return _reason_of_openssl(getattr(error, "reason", None) or "")
    if isinstance(error, ConnectionAbortedError | TimeoutError):
        return HandshakeFailure.TIMEOUT
    return HandshakeFailure.CLOSED


def _reason_of_openssl(reason: str) -> HandshakeFailure:
    """Do the same with OpenSSL's own (``ERR_reason_error_string``, in Python's spelling)."""
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
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
