"""Rejected requests: counted each time, logged with the client's address and not each time."""

import socket
import ssl
from typing import Any

import pytest
from structlog.typing import EventDict

from tests.server.running import DEADLINE, Running
from tests.server.test_handshakes import FAILED, handshakes
from webhook.metrics import Metrics
from webhook.server.rejections import Rejections, Throttle

REJECTED = "source_ip_webhook_rejected_requests_total"


def requests(events: list[EventDict]) -> list[Any]:
    """Pick the rejected requests."""
    return [event for event in events if event["event"] == "request-rejected"]


def test_rejected_request_is_logged_with_its_client(
    fresh_server: Running, events: list[EventDict]
) -> None:
    """A wrong path names who asked, with the sentence that the client got; controls are escaped."""
    answer = fresh_server.client.request(
        "GET", fresh_server.url.replace("/mutate", "/x%1b%c2%9b%e2%80%ae")
    )
    (event,) = requests(events)

    assert answer.status == 404
    assert event["why"] == answer.json()["message"]
    assert event["why"].startswith("Nothing is served at /x\\u001b\\u009b\\u202e;")
    assert event["client"].startswith("127.0.0.1:")
    assert event["log_level"] == "warning"


@pytest.mark.parametrize(
    ("sent", "code", "why"),
    [
        (b"no HTTP\r\n\r\n", 400, "Invalid HTTP request received."),
        (
            b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000,
            431,
            "The request's headers are larger than 65536 bytes.",
        ),
    ],
)
def test_what_never_became_a_request_is_logged_with_its_client(
    fresh_server: Running, events: list[EventDict], sent: bytes, code: int, why: str
) -> None:
    """What is rejected below the application is told of in the same words."""
    with (
        socket.create_connection(("127.0.0.1", fresh_server.webhook.port), DEADLINE) as plain,
        ssl.create_default_context(cafile=str(fresh_server.ca)).wrap_socket(
            plain, server_hostname="localhost"
        ) as connection,
    ):
        client = "{}:{}".format(*connection.getsockname())
        connection.sendall(sent)
        assert connection.recv(100).startswith(b"HTTP/1.1 %d " % code)
    (event,) = requests(events)

    assert (event["code"], event["why"], event["client"]) == (code, why, client)


def test_rejections_without_end_are_counted_and_seldom_logged(events: list[EventDict]) -> None:
    """A stranger fills the metric, not the disk; one kind does not hide another."""
    metrics = Metrics()
    rejections = Rejections(metrics)
    for _ in range(1000):
        rejections.request(404, ("10.0.0.1", 1), "no")
        rejections.handshake(("10.0.0.1", 1), ConnectionResetError())

    assert (len(requests(events)), len(handshakes(events))) == (10, 10)
    assert "left_out" not in requests(events)[-1]
    assert metrics.registry.get_sample_value(REJECTED, {"code": "404"}) == 1000
    assert metrics.registry.get_sample_value(FAILED, {"reason": "closed"}) == 1000


@pytest.mark.parametrize(
    ("client", "written"),
    [
        (("10.0.0.1", 2), "10.0.0.1:2"),
        (("::ffff:10.0.0.1", 2), "10.0.0.1:2"),
        (("fd00::1", 2), "[fd00::1]:2"),
        (None, "unknown"),
    ],
)
def test_addresses_are_written_as_in_a_url(
    events: list[EventDict], client: tuple[str, int] | None, written: str
) -> None:
    """Also those of IPv4 clients at a socket for both families."""
    Rejections(Metrics()).request(400, client, "no")

    assert requests(events)[0]["client"] == written


def test_what_was_left_out_is_told_of_later(events: list[EventDict]) -> None:
    """The next line that is written says how many were not."""
    now = [1000.0]
    rejections = Rejections(Metrics(), Throttle(clock=lambda: now[0]))
    for _ in range(15):
        rejections.request(404, None, "no")
    now[0] += 60
    rejections.request(404, None, "no")

    assert requests(events)[-1]["left_out"] == 5
