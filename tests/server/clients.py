"""Clients that do what no API server does."""

import asyncio
import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import pytest

from tests.server.running import DEADLINE, Labelled, Running
from tests.waiting import wait_for
from webhook.labels import Labels


def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens in the server's thread."""
    wait_for(condition, DEADLINE, "the server's thread", interval_seconds=0.001)


@contextlib.contextmanager
def connected(server: Running) -> Iterator[ssl.SSLSocket]:
    """Open a connection that has sent nothing but TLS."""
    context = ssl.create_default_context(cafile=str(server.ca))
    with (
        socket.create_connection(("127.0.0.1", server.webhook.port), DEADLINE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


def everything(connection: socket.socket) -> bytes:
    """Read until the connection ends, in whatever way."""
    chunks = []
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while chunk := connection.recv(65536):
            chunks.append(chunk)
    return b"".join(chunks)


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer, and leave the connection open."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


@contextlib.contextmanager
def plain(port: int) -> Iterator[socket.socket]:
    """Open a connection that speaks no TLS."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        yield connection


def drip(connection: socket.socket, piece: bytes) -> None:
    """Send a little now and then, until the connection ends; that it ends is what is proved."""
    ends = time.monotonic() + DEADLINE
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while time.monotonic() < ends:
            connection.sendall(piece)
            time.sleep(0.002)
        pytest.fail("the connection does not end")


class Held(Labelled):
    """A source of labels that tells when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self._let_go: list[Callable[[], object]] = []

    def remembered(self, _name: str) -> Labels | None:
        """Remember nothing."""
        return None

    async def labels(self, _name: str) -> Labels | None:
        """Wait, and answer."""
        loop, held = asyncio.get_running_loop(), asyncio.Event()
        self._let_go.append(lambda: loop.call_soon_threadsafe(held.set))
        self.asked += 1
        await held.wait()
        return self.answer

    def was_asked(self, times: int) -> bool:
        """Tell whether as many reviews have come."""
        return self.asked == times

    def let_go(self) -> None:
        """Answer the one that waits."""
        self._let_go.pop()()
