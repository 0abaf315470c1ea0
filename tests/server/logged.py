"""What the server logs and counts of those it turned away."""

from typing import Any

from structlog.typing import EventDict

FAILED = "source_ip_webhook_handshakes_failed_total"
"""The metric of failed handshakes."""


def requests(events: list[EventDict]) -> list[Any]:
    """Pick the refused requests."""
    return [event for event in events if event["event"] == "request-rejected"]


def handshakes(events: list[EventDict]) -> list[Any]:
    """Pick the failed handshakes."""
    return [event for event in events if event["event"] == "handshake-failed"]
