"""Who was turned away: counted each time, and logged with the address, though not each time."""

import structlog

from webhook.telemetry.metrics import Metrics
from webhook.telemetry.throttle import Throttle

_MAPPED = "::ffff:"
"""What an IPv4 address begins with at a socket for both families (RFC 4291 section 2.5.5.2)."""

Address = tuple[str, int]
"""Host and port of a client."""

_log = structlog.get_logger(__name__)


class Rejections:
    """Tells of requests that are no review.

    Args:
        metrics: Of this process.
        throttle: Decides what is logged.
    """

    def __init__(self, metrics: Metrics, throttle: Throttle | None = None) -> None:
        self._metrics = metrics
        self._throttle = throttle or Throttle()

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


def _written(client: Address | None) -> str:
    """Write an address as in a URL."""
    if client is None:
        return "unknown"
    host, port = client[0].removeprefix(_MAPPED), client[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
