"""No state of a connection lasts for ever, whatever its client sends or does not read."""

import asyncio
import contextlib
import dataclasses
import functools
import socket
import time
from collections.abc import Iterator

import pytest

from tests.reviews import review
from tests.server.clients import answer, connected, drip, everything, plain, until
from tests.server.conftest import Files, settings_for
from tests.server.running import DEADLINE, Labelled, Running, running
from tests.server.test_bounds import HEAD
from tests.situations import pod
from webhook.labels import Labels
from webhook.server import bodies
from webhook.server.protocol import BoundedProtocol
from webhook.settings import Shutdown, Timeouts

_LONG = 100 * DEADLINE
_SHORT = 0.05
_OPS = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
_REVIEW = review("Pod", pod())
_ASKED = HEAD + b"Content-Length: %d\r\n\r\n" % len(_REVIEW) + _REVIEW
_REFUSED = b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"


class Hanging(Labelled):
    """A source of labels that never tells."""

    def remembered(self, _name: str) -> Labels | None:
        """Remember nothing."""
        return None

    async def labels(self, _name: str) -> Labels | None:
        """Wait."""
        await asyncio.Event().wait()
        raise AssertionError


class Forgetful(Labelled):
    """A source of labels that has none in memory."""

    def remembered(self, _name: str) -> Labels | None:
        """Remember nothing."""
        return None

    async def labels(self, _name: str) -> Labels | None:
        """Answer what the test wants."""
        return self.answer


@contextlib.contextmanager
def short_timeouts(
    files: Files, *states: str, namespaces: Labelled | None = None
) -> Iterator[Running]:
    """Run a webhook server that ends some states soon, and no other within the time of a test."""
    names = {field.name for field in dataclasses.fields(Timeouts)}
    times = dict.fromkeys(names, _LONG) | dict.fromkeys({"check_interval", *states}, _SHORT)
    # No grace: a request that hangs on purpose would be waited for at the end.
    settings = dataclasses.replace(
        settings_for(files), timeouts=Timeouts(**times), shutdown=Shutdown(grace=0)
    )
    with running(settings, namespaces or Labelled(), files.ca) as server:
        yield server


@contextlib.contextmanager
def at_port(server: Running, port: str) -> Iterator[socket.socket]:
    """Open a connection to one of the two ports."""
    if port == "ops":
        with plain(server.webhook.ops_port) as connection:
            yield connection
    else:
        with connected(server) as connection:
            yield connection


both_ports = pytest.mark.parametrize("port", ["reviews", "ops"])


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00"], ids=["nothing", "part"])
def test_handshake(files: Files, sent: bytes) -> None:
    """A connection that does not get as far as TLS ends."""
    with short_timeouts(files, "handshake") as server, plain(server.webhook.port) as connection:
        connection.sendall(sent)

        assert everything(connection) == b""


@both_ports
def test_first_request(files: Files, port: str) -> None:
    """A connection that never asks anything ends, silent or not."""
    with short_timeouts(files, "first_request") as server:
        with at_port(server, port) as connection:
            assert everything(connection) == b""
        with at_port(server, port) as connection:
            drip(connection, b"\r\n")


@both_ports
def test_head(files: Files, port: str) -> None:
    """A head has its time, on a new connection and on one that has been served."""
    with short_timeouts(files, "head") as server:
        for before in (b"", _OPS if port == "ops" else _ASKED):
            with at_port(server, port) as connection:
                if before:
                    connection.sendall(before)
                    assert answer(connection)[0] == 200
                connection.sendall(b"POST /mutate HTTP/1.1\r\nX: ")
                drip(connection, b"x")


@pytest.mark.parametrize("reads", [1, 2])
@pytest.mark.parametrize("source", [Labelled, Forgetful], ids=["at once", "by the application"])
def test_head_behind_a_request(files: Files, source: type[Labelled], reads: int) -> None:
    """A head that began while another request was answered has its time from that answer on."""
    with (
        short_timeouts(files, "head", namespaces=source()) as server,
        connected(server) as connection,
    ):
        if reads > 1:
            connections = server.webhook._review_server.server_state.connections  # noqa: SLF001
            until(lambda: connections)
            (served,) = connections
            assert isinstance(served, BoundedProtocol)
            connection.sendall(_ASKED[:20])
            until(lambda: served._in_head)  # noqa: SLF001
        connection.sendall(_ASKED[20 * (reads - 1) :] + b"POST /mut")

        assert answer(connection)[0] == 200
        drip(connection, b"a")


def test_body(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request whose body does not end, ends, also if the application would wait."""
    monkeypatch.setattr(bodies, "_TIME", _LONG)
    monkeypatch.setattr(bodies, "_GRACE", _LONG)
    with short_timeouts(files, "request") as server, connected(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        drip(connection, b" ")


def test_answering(files: Files) -> None:
    """A request that is not answered ends, and what is sent behind it gives it no time."""
    with short_timeouts(files, "request", namespaces=Hanging()) as server:
        with connected(server) as connection:
            connection.sendall(_ASKED)
            drip(connection, b"\r\n")
        with connected(server) as connection:
            connection.sendall(_ASKED + _OPS + b"GET /")
            assert everything(connection) == b""


@both_ports
def test_answer_that_is_not_read(files: Files, port: str) -> None:
    """A client that asks and does not read is answered until the ways are full, and then ends."""
    request = _OPS.replace(b"livez", b"metrics") if port == "ops" else _ASKED
    with short_timeouts(files, "request") as server, at_port(server, port) as connection:
        drip(connection, request * 8)


@both_ports
def test_rest_of_a_rejected_body(files: Files, port: str) -> None:
    """A body that was answered before it came does not keep its connection."""
    with short_timeouts(files, "rest_of_body") as server, at_port(server, port) as connection:
        connection.sendall(_REFUSED)
        assert answer(connection)[0] == 404
        drip(connection, b"x")


@both_ports
@pytest.mark.parametrize("last", ["answer", "body"])
def test_keep_alive(files: Files, port: str, last: str) -> None:
    """Nothing but a request keeps an idle connection, also where a late body came last."""
    with (
        short_timeouts(files, "keep_alive", "closing") as server,
        at_port(server, port) as connection,
    ):
        if last == "answer":
            connection.sendall(_OPS if port == "ops" else _ASKED)
        else:
            connection.sendall(_REFUSED.replace(b"1000000", b"3"))
        assert answer(connection)[0] in {200, 404}
        if last == "body":
            connection.sendall(b"xxx")
        drip(connection, b"\r\n")


def test_closing(files: Files) -> None:
    """A client that does not confirm the end of TLS is not waited for."""
    with short_timeouts(files, "closing") as server, connected(server) as connection:
        connections = server.webhook._review_server.server_state.connections  # noqa: SLF001
        connection.sendall(b"no HTTP\r\n\r\n")
        until(lambda: server.count("source_ip_webhook_rejected_requests_total", code="400"))
        until(lambda: not connections)


def test_closing_that_nobody_reads(files: Files) -> None:
    """Likewise without TLS, where an answer is still to be read when the connection closes."""
    with short_timeouts(files, "closing") as server, plain(server.webhook.ops_port) as connection:
        (connections,) = (server.webhook._ops_server.server_state.connections,)  # noqa: SLF001
        until(lambda: connections)
        (served,) = connections
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        def fill() -> None:
            served.transport.write(b"x" * 32 * 1024 * 1024)
            served.transport.close()

        served.loop.call_soon_threadsafe(fill)
        until(lambda: not connections)


def test_used_connection_goes_on(files: Files) -> None:
    """Every request moves the end of its connection, so that one in use has none."""
    with short_timeouts(files) as server, connected(server) as connection:
        connections = server.webhook._review_server.server_state.connections  # noqa: SLF001
        until(lambda: connections)
        (served,) = connections
        assert isinstance(served, BoundedProtocol)
        for _ in range(3):
            before, asked = served.deadline, time.monotonic()
            until(functools.partial(_later, asked + 0.002))  # the loop counts whole milliseconds
            connection.sendall(_ASKED)

            assert answer(connection)[0] == 200
            until(functools.partial(_moved, served, before))


def _later(moment: float) -> bool:
    return time.monotonic() > moment


def _moved(served: BoundedProtocol, before: float) -> bool:
    return served.deadline > before
