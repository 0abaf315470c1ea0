"""What a client cannot make the server keep or wait for, whatever it sends."""

import contextlib
import http.client
import inspect
import json
import socket
import ssl

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.reviews import review
from tests.server.clients import answer, connected, everything, until
from tests.server.running import DEADLINE, Running
from tests.situations import pod
from webhook.server import protocol, rejections
from webhook.server.protocol import HEAD_LIMIT, BoundedProtocol
from webhook.server.shortcut import ReviewProtocol

REJECTED = "source_ip_webhook_rejected_requests_total"
HEAD = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("__init__", ["self", "config", "server_state", "app_state", "_loop"]),
        ("connection_made", ["self", "transport"]),
        ("connection_lost", ["self", "exc"]),
        ("data_received", ["self", "data"]),
        ("on_message_begin", ["self"]),
        ("on_headers_complete", ["self"]),
        ("on_body", ["self", "body"]),
        ("on_message_complete", ["self"]),
        ("on_response_complete", ["self"]),
        ("send_400_response", ["self", "msg"]),
        ("shutdown", ["self"]),
        ("_unsupported_upgrade_warning", ["self"]),
    ],
)
def test_uvicorn_has_what_is_overridden(name: str, arguments: list[str]) -> None:
    """A uvicorn that does otherwise is told from one that works: the bounds must not just vanish.

    Then read its httptools_impl.py again and change ``webhook.server.protocol`` and ``shortcut``.
    """
    assert list(inspect.signature(getattr(HttpToolsProtocol, name)).parameters) == arguments
    assert name in vars(BoundedProtocol) | vars(ReviewProtocol)


def test_head_that_does_not_end_is_refused(server: Running) -> None:
    """Headers are kept up to the limit; then there is an answer, it is counted, and that is all."""
    with connected(server) as connection:
        connection.sendall(HEAD)
        sent = 0
        # Each header is waited for, so that it is the sum that is too large.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while not server.count(REJECTED, code="431") and sent < 16 * HEAD_LIMIT:
                connection.sendall(b"X: " + b"x" * 8000 + b"\r\n")
                sent += 8000
        until(lambda: server.count(REJECTED, code="431"))
        text = everything(connection)

    assert text.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert text.endswith(b"\r\n\r\nThe request's headers are larger than 65536 bytes.")
    assert server.count(REJECTED, code="431") == 1
    assert server.count(REJECTED, code="400") == 0


def test_large_head_in_one_piece_is_refused(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that is complete when it is first seen, but too large, reaches no application."""
    monkeypatch.setattr(protocol, "HEAD_LIMIT", 1000)
    with connected(server) as connection:
        connection.sendall(HEAD + b"X: " + b"x" * 1000 + b"\r\nContent-Length: 0\r\n\r\n")
        text = everything(connection)

    assert text.startswith(b"HTTP/1.1 431 ")
    assert text.count(b"HTTP/1.1") == 1
    assert server.count(REJECTED, code="431") == 1
    assert server.count(REJECTED, code="400") == 0


def test_large_body_in_the_read_of_its_head_is_no_large_head(server: Running) -> None:
    """Only the head counts, whatever else came with it."""
    body = review("Pod", pod(env="x" * 3 * HEAD_LIMIT))
    with connected(server) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

            assert answer(connection)[0] == 200


@pytest.mark.parametrize("pause", [False, True], ids=["complete", "endless"])
def test_crowd_of_headers_is_refused(server: Running, *, pause: bool) -> None:
    """Headers are counted as well: the shortest cost thirty times their bytes."""
    with connected(server) as connection:
        connection.sendall(HEAD + b"a:\r\n" * 200 + (b"" if pause else b"\r\n"))
        text = everything(connection)

    assert text.startswith(b"HTTP/1.1 431 ")
    assert text.endswith(b"\r\n\r\nThe request has more than 100 headers.")
    assert server.count(REJECTED, code="431") == 1
    assert server.count(REJECTED, code="400") == 0


@pytest.mark.parametrize(
    "wrapping", [b"0\r\nX: ", b"0\r\n", b"1;"], ids=["trailer", "trailers", "extension"]
)
def test_what_is_around_chunks_has_an_end(server: Running, wrapping: bytes) -> None:
    """Trailers and extensions of chunks are no body, so no limit of a body would ever end them."""
    piece = b"x" * 8000 if wrapping.strip() != b"0" else b"x:y\r\n" * 1600
    with connected(server) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        until(lambda: server.webhook.reviews.budget.used == 1)
        connection.sendall(wrapping + piece * (2 * HEAD_LIMIT // len(piece)))

        assert answer(connection) == (400, b"The body's chunks are wrapped in too much.")
    until(lambda: server.count(REJECTED, code="400"))
    assert server.count(REJECTED, code="400") == 1


def test_head_may_come_in_pieces(server: Running) -> None:
    """A head that takes several reads is as good as any other."""
    body = review("Pod", pod())
    sent = 0

    def arrived() -> bool:
        return any(
            isinstance(each, BoundedProtocol) and each._head == sent  # noqa: SLF001
            for each in list(server.webhook._review_server.server_state.connections)  # noqa: SLF001
        )

    with connected(server) as connection:
        for piece in (HEAD[:10], HEAD[10:20], HEAD[20:]):
            connection.sendall(piece)
            sent += len(piece)
            until(arrived)
        connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)

        assert answer(connection)[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * (protocol._PIPELINED + 2),  # noqa: SLF001
    ],
    ids=["length", "chunk", "http2", "pipelined"],
)
def test_what_is_no_http_is_counted(server: Running, request_: bytes) -> None:
    """A request that uvicorn refuses is counted, once, like one that the application refuses."""
    with connected(server) as connection:
        connection.sendall(request_)

        assert b"HTTP/1.1 400 Bad Request\r\n" in everything(connection)
    until(lambda: server.count(REJECTED, code="400"))
    until(lambda: not server.webhook._review_server.server_state.tasks)  # noqa: SLF001
    assert server.count(REJECTED, code="400") == 1


def test_plain_port_counts_no_reviews(server: Running) -> None:
    """What is wrong at the port of health and metrics is refused, but is no rejected review."""
    address = ("127.0.0.1", server.webhook.ops_port)
    with socket.create_connection(address, DEADLINE) as connection:
        connection.sendall(b"no HTTP\r\n\r\n")

        assert everything(connection).startswith(b"HTTP/1.1 400 ")
    assert server.count(REJECTED, code="400") == 0


def test_upgrade_is_answered_without_advice(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is told by the log to install a WebSocket library."""
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}

    assert server.client.request("GET", server.url, headers=headers).status == 405
    assert caplog.messages == []


def test_client_that_sends_before_it_reads_gets_the_sentence(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body over the limit is discarded until the client has sent it and reads."""
    monkeypatch.setattr(rejections, "_LINGER", DEADLINE)
    response = server.post(b" " * 24 * 1024 * 1024)

    assert response.status == 413
    assert response.headers["connection"] == "close"
    assert "larger than" in response.json()["message"]


def test_answer_that_ends_a_connection_is_given_before_its_end(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused client has the whole answer while the server still takes what it sends."""
    monkeypatch.setattr(rejections, "_LINGER", 10 * DEADLINE)
    connections = server.webhook._review_server.server_state.connections  # noqa: SLF001
    until(lambda: not connections)  # those of earlier tests are gone
    with connected(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 30000000\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        text = response.read()
        (served,) = connections

        assert (response.status, json.loads(text)["code"]) == (413, 413)
        assert not served.transport.is_closing()
        assert server.webhook._review_server.server_state.tasks  # noqa: SLF001


def test_client_that_goes_on_sending_is_not_listened_to_for_ever(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is discarded has a bound as well."""
    monkeypatch.setattr(rejections, "_LINGER", 10 * DEADLINE)
    monkeypatch.setattr(rejections, "_DISCARD", 10)
    with connected(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 30000000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        connection.sendall(b"x" * 11)

        everything(connection)


def test_client_that_reads_only_is_not_waited_for(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that neither sends nor closes loses its connection."""
    monkeypatch.setattr(rejections, "_LINGER", 0.05)
    with connected(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 30000000\r\n\r\n")

        assert b"HTTP/1.1 413 " in everything(connection)
