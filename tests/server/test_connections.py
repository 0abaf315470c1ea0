"""How many connections there may be, and who has to go when one more arrives."""

import array
import asyncio
import contextlib
import dataclasses
import errno
import fcntl
import functools
import itertools
import socket
import ssl
import termios
import time
from collections.abc import Iterator
from unittest import mock

import pytest
from fastapi import FastAPI

from tests.reviews import review
from tests.server.clients import Held, answer, connected, everything, plain, until
from tests.server.conftest import Files, settings_for
from tests.server.running import DEADLINE, Labelled, Running, running
from tests.server.test_bounds import HEAD
from tests.situations import pod
from webhook.server import connections
from webhook.server.connections import Connections
from webhook.server.listening import HttpServer, listen
from webhook.server.protocol import UNREAD, BoundedProtocol
from webhook.settings import Limits, Shutdown, Timeouts

_REVIEW = review("Pod", pod())
_ASKED = HEAD + b"Content-Length: %d\r\n\r\n" % len(_REVIEW) + _REVIEW
_LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@contextlib.contextmanager
def crowded(files: Files, limit: int, namespaces: Labelled | None = None) -> Iterator[Running]:
    """Run a webhook server that few connections are enough for, and that waits for long."""
    settings = dataclasses.replace(
        settings_for(files),
        timeouts=Timeouts(request=100 * DEADLINE),
        limits=Limits(connections=limit, ops_connections=limit),
        shutdown=Shutdown(grace=0),
    )
    with running(settings, namespaces or Labelled(), files.ca) as server:
        yield server


def known(server: Running, count: int) -> None:
    """Wait until the server has as many connections as that."""
    until(lambda: len(server.webhook._review_server.server_state.connections) == count)  # noqa: SLF001


def test_silent_connection_goes_first(files: Files) -> None:
    """Of those that never asked the oldest makes room, and not the one that was served before."""
    with (
        crowded(files, 3) as server,
        connected(server) as served,
        connected(server) as older,
        connected(server) as younger,
    ):
        known(server, 3)
        served.sendall(_ASKED)
        assert answer(served)[0] == 200
        with connected(server) as another:
            assert everything(older) == b""
            for connection in (another, served, younger):
                connection.sendall(_ASKED)
                assert answer(connection)[0] == 200


def test_longest_idle_connection_goes_next(files: Files) -> None:
    """Where all were served it is the one whose last answer is oldest."""
    with crowded(files, 2) as server, connected(server) as first, connected(server) as second:
        for connection in (first, second, first):
            connection.sendall(_ASKED)
            assert answer(connection)[0] == 200
            answered = time.monotonic()
            # The loop counts whole milliseconds, and of equals the one that came first has to go.
            until(lambda: time.monotonic() > answered + 0.002)  # noqa: B023  asked at once
        with connected(server) as another:
            assert everything(second) == b""
            for connection in (another, first):
                connection.sendall(_ASKED)
                assert answer(connection)[0] == 200


def test_connection_that_has_just_come_does_not_go(files: Files) -> None:
    """Where nearly all were served, the few that did not ask yet are not the first to go."""
    with crowded(files, 4) as server, contextlib.ExitStack() as stack:
        served = [stack.enter_context(connected(server)) for _ in range(3)]
        for connection in served:
            connection.sendall(_ASKED)
            assert answer(connection)[0] == 200
        fresh = stack.enter_context(connected(server))
        known(server, 4)
        stack.enter_context(connected(server))
        assert everything(served[0]) == b""
        fresh.sendall(_ASKED)
        assert answer(fresh)[0] == 200


def test_arriving_body_goes_last(files: Files) -> None:
    """A body that is still arriving makes room only where nothing else can."""
    with crowded(files, 2) as server, connected(server) as sending, connected(server) as idle:
        sending.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(_REVIEW) + _REVIEW[:10])
        until(lambda: server.webhook.reviews.budget.used)
        idle.sendall(_ASKED)
        assert answer(idle)[0] == 200
        with connected(server) as another:
            assert everything(idle) == b""
            another.sendall(HEAD + b"Content-Length: 5\r\n\r\n")
            until(lambda: len(server.webhook._review_server.server_state.tasks) == 2)  # noqa: SLF001
            with connected(server) as last:
                assert everything(sending) == b""
                last.sendall(_ASKED)
                assert answer(last)[0] == 200


def only(server: Running) -> BoundedProtocol:
    """Wait for the one connection of a server."""
    known(server, 1)
    (served,) = server.webhook._review_server.server_state.connections  # noqa: SLF001
    assert isinstance(served, BoundedProtocol)
    return served


def ask_and_read_nothing(connection: ssl.SSLSocket, server: Running) -> BoundedProtocol:
    """Send reviews with a long uid, which stands in each answer, until one is not taken."""
    body = review("Pod", pod(), uid="x" * 30_000)
    asked = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    served, state = only(server), server.webhook._review_server.server_state  # noqa: SLF001

    def waits() -> bool:
        return served.flow.write_paused and served.eviction_rank != 1

    for number in itertools.count(state.total_requests + 1):
        connection.sendall(asked)
        until(lambda: waits() or state.total_requests == number)  # noqa: B023  asked at once
        if waits():
            return served
    raise AssertionError


def test_client_that_does_not_read_makes_room(files: Files) -> None:
    """Whoever asks and takes no answer does not wait for one, and keeps nobody out."""
    with crowded(files, 1) as server, connected(server) as greedy:
        ask_and_read_nothing(greedy, server)
        with connected(server) as another:
            another.sendall(_ASKED)
            assert answer(another)[0] == 200


def test_little_is_kept_for_a_client_that_does_not_read(files: Files) -> None:
    """Neither here nor in the kernel: 256 of them have to fit into the container's memory."""
    with crowded(files, 1) as server, connected(server) as greedy:
        served = ask_and_read_nothing(greedy, server)
        kernel = array.array("i", [0])
        fcntl.ioctl(served.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, kernel)

        assert served.transport.get_write_buffer_size() <= UNREAD + 64 * 1024
        assert kernel[0] <= 256 * 1024


def test_answer_that_is_due_is_given_first(files: Files) -> None:
    """Nobody who waits for an answer loses it: further connections wait."""
    namespaces = Held()
    with crowded(files, 1, namespaces) as server, connected(server) as first:
        first.sendall(_ASKED)
        until(lambda: namespaces.was_asked(1))
        with plain(server.webhook.port) as second:
            second.sendall(b"not TLS, so that its turn shows by its end")
            second.setblocking(False)
            first.sendall(_ASKED)
            with pytest.raises(BlockingIOError):
                second.recv(1)
            for asked in (1, 2):
                until(functools.partial(namespaces.was_asked, asked))
                namespaces.let_go()
                assert answer(first)[0] == 200
            second.settimeout(DEADLINE)
            assert everything(first) == b""
            everything(second)


def test_handshake_that_does_not_come_makes_room(files: Files) -> None:
    """Connections that are not even TLS count, and keep nobody out."""
    with crowded(files, 3) as server, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(plain(server.webhook.port)) for _ in range(6)]
        with connected(server) as connection:
            connection.sendall(_ASKED)

            assert answer(connection)[0] == 200
            for ended in crowd[:4]:
                assert everything(ended) == b""


def test_ports_have_their_own_bounds(files: Files) -> None:
    """A crowd at one port leaves the other as it is."""
    with crowded(files, 2) as server, contextlib.ExitStack() as stack:
        probe = stack.enter_context(plain(server.webhook.ops_port))
        for _ in range(6):
            stack.enter_context(connected(server))
        probe.sendall(_LIVE)
        assert answer(probe)[0] == 200
        reviews = stack.enter_context(connected(server))
        for _ in range(6):
            # Each is answered before the next comes: else it might go as one that never asked.
            another = stack.enter_context(plain(server.webhook.ops_port))
            another.sendall(_LIVE)
            assert answer(another)[0] == 200
        assert everything(probe) == b""
        reviews.sendall(_ASKED)
        assert answer(reviews)[0] == 200


def test_process_without_files_goes_on_later(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system has no room for a connection it is tried again, and nothing has ended."""
    monkeypatch.setattr(connections, "_RETRY", 0.001)
    server = HttpServer(FastAPI(), settings_for(files), 8)
    failures = 3

    async def main() -> None:
        nonlocal failures
        loop = asyncio.get_running_loop()
        accept = loop.sock_accept

        async def fail_at_first(listening: socket.socket) -> tuple[socket.socket, object]:
            nonlocal failures
            if failures:
                failures -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return await accept(listening)

        monkeypatch.setattr(loop, "sock_accept", fail_at_first)
        with listen("127.0.0.1", 0) as listening:
            async with asyncio.timeout(DEADLINE), server.serving(listening):
                reader, writer = await asyncio.open_connection(*listening.getsockname())
                writer.write(b"GET / HTTP/1.0\r\n\r\n")
                assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
                writer.close()
                await writer.wait_closed()

    asyncio.run(main())
    assert failures == 0


def test_connection_that_waits_for_room_is_closed_at_the_end(files: Files) -> None:
    """Nothing of a connection that was never let in stays behind."""
    namespaces = Held()
    with contextlib.ExitStack() as stack:
        with crowded(files, 1, namespaces) as server:
            first = stack.enter_context(connected(server))
            first.sendall(_ASKED)
            until(lambda: namespaces.was_asked(1))
            second = stack.enter_context(plain(server.webhook.port))
        assert everything(second) == b""


def test_handshake_that_is_ended_for_its_time_is_told() -> None:
    """Whoever looks after all connections may be sooner than the event loop's own deadline."""
    told: list[OSError] = []
    protocol = mock.Mock(connected=False)
    protocol.overdue.return_value = True

    async def shake() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs, socket.socket() as listening:
            connections = Connections(
                listening,
                lambda _: protocol,
                1,
                Timeouts(),
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
                failed=lambda _client, error: told.append(error),
            )
            connecting = asyncio.create_task(
                connections._connect(ours, ("192.0.2.1", 1), protocol)  # noqa: SLF001
            )
            await asyncio.sleep(0)
            connecting.cancel()
            await asyncio.wait([connecting])

    asyncio.run(shake())

    assert [type(error) for error in told] == [TimeoutError]
