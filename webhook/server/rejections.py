"""Who was turned away: counted each time, and logged with the address, though not each time."""

import enum
import ssl

import structlog

from webhook.certificates.clients import WrongNameError
from webhook.telemetry.metrics import Metrics
from webhook.telemetry.throttle import Throttle

_MAPPED = "::ffff:"
"""What an IPv4 address begins with at a socket for both families (RFC 4291 section 2.5.5.2)."""

Address = tuple[str, int]
"""Host and port of a client."""

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
