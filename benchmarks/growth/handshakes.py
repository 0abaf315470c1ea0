"""How many TLS handshakes can be made in a second, and what does one cost, next to nginx?

With resumption the client goes on with the session of an earlier connection: no certificate is sent
and nothing is signed. An API server never does: its connections to webhooks have no cache of
sessions. It opens connections seldom, and keeps them.

Source:
    k8s.io/client-go transport/transport.go, TLSConfigFor, and k8s.io/apiserver
    pkg/util/webhook/client.go: neither they nor anything else of the API server sets
    ClientSessionCache (seen up to 0.37.2); Go crypto/tls, Config: without it nothing is resumed.
"""

import contextlib
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks import BenchmarkError, certificate, machine, servers, usage
from benchmarks.growth import Row, Say, new_folder
from benchmarks.peers.commands import NGINX
from benchmarks.servers import OURS, Server
from tests.controlplane.ports import LOOPBACK

QUESTION: Final = "handshakes"
_THREADS: Final = 4
"""Handshakes under way at a time: while one waits, others go on."""
_SECONDS: Final = 4.0
_WARM_UP: Final = 0.5
_TIMEOUT: Final = 10.0


def measure(say: Say) -> list[Row]:
    """Measure ours and nginx, first without and then with resumption.

    Args:
        say: Told what goes on.

    Raises:
        BenchmarkError: A server cannot be measured, or resumes nothing.
    """
    rows: list[Row] = []
    for name in (OURS, NGINX):
        with new_folder() as folder, servers.running(name, folder / name) as server:
            for resumed in (False, True):
                say(f"handshakes with {name}, {'resumed' if resumed else 'full'}")
                rows.append(measured(server, resumed=resumed))
    return rows


def measured(server: Server, *, resumed: bool) -> Row:
    """Measure one server in one way.

    Args:
        server: It runs.
        resumed: Whether its clients go on with a session.

    Raises:
        BenchmarkError: A handshake failed, or a session was not resumed.
    """
    context = certificate.trusted(server.folder / "tls")
    session = _session(server.port, context) if resumed else None
    with machine.on(machine.other_cores()):
        _shake(server.port, context, session, _WARM_UP)
        before, began = usage.cpu_seconds(server.pid), time.monotonic()
        count = _shake(server.port, context, session, _SECONDS)
        took, used = time.monotonic() - began, usage.cpu_seconds(server.pid) - before
    return row_of(server.name, count, took, used, resumed=resumed)


def row_of(name: str, count: int, took: float, used: float, *, resumed: bool) -> Row:
    """Make the row of one server.

    Args:
        name: Of the server.
        count: Handshakes.
        took: Seconds.
        used: Seconds of its processor time.
        resumed: Whether sessions were resumed.
    """
    return {
        "question": QUESTION,
        "server": name,
        "resumed": resumed,
        "handshakes_per_second": count / took,
        "cpu_seconds_per_handshake": used / count,
        # Where it is far from 1, the client was what took the time.
        "core_use": used / took,
    }


def _session(port: int, context: ssl.SSLContext) -> ssl.SSLSession:
    """Begin a session that can be resumed.

    In TLS 1.3 its ticket comes behind the handshake, with the answer to a request.
    """
    with _connected(port, context, None) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(1)
        session = connection.session
    if session is None or not session.has_ticket:
        raise BenchmarkError("The server gives no tickets, so nothing can be resumed.")
    return session


def _connected(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> ssl.SSLSocket:
    """Open a connection."""
    plain = socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT)
    return context.wrap_socket(plain, server_hostname="localhost", session=session)


def _shake(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None, seconds: float
) -> int:
    """Open and end connections for so long, and count them.

    Raises:
        BenchmarkError: One failed, or a session was not resumed.
    """
    ends = time.monotonic() + seconds
    ended = threading.Event()

    def work() -> int:
        count = 0
        while True:  # once at least, however long it takes
            try:
                _connect_once(port, context, session)
            except OSError as error:
                raise BenchmarkError(f"A handshake failed: {error}.") from error
            count += 1
            if time.monotonic() >= ends or ended.is_set():
                return count

    with ThreadPoolExecutor(_THREADS) as threads:
        started = [threads.submit(work) for _ in range(_THREADS)]
        try:
            return sum(each.result() for each in started)
        finally:
            ended.set()  # the others need not go on where one failed


def _connect_once(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> None:
    """Open a connection, and end it as TLS wants."""
    with _connected(port, context, session) as connection:
        if connection.session_reused is not (session is not None):
            raise BenchmarkError("A session was not resumed as it should be.")
        with contextlib.suppress(OSError):  # a server that just closes says nothing
            connection.unwrap().close()
