"""One review after the other over one connection, and how long each took.

wrk would tell less than that of large ones: over TLS it starts its clock anew whenever it goes on
to write a request that has no room in the socket (wrk 4.1, socket_writeable in wrk.c).
"""

import contextlib
import http.client
import socket
import ssl
import time
from pathlib import Path
from typing import Final

from benchmarks import BenchmarkError, certificate, machine
from benchmarks.reviews import Review
from tests.controlplane.ports import LOOPBACK
from tests.fuzz.cases import post

_TIMEOUT: Final = 10.0
"""As long as the API server waits at most."""


def run(port: int, tls: Path, review: Review, *, seconds: float, fewest: int) -> list[float]:
    """Send a review again and again.

    Args:
        port: Where the server listens on loopback.
        tls: The folder with its authority.
        review: What to send.
        seconds: How long, at least.
        fewest: How often, at least.

    Returns:
        The seconds that each took, from its first byte to the last of its answer; the first one,
        with which the connection begins, is left out.

    Raises:
        BenchmarkError: One was not answered, or not with 200.
    """
    request = post(review.body)
    took: list[float] = []
    with machine.on(machine.other_cores()):
        try:
            with _connected(port, tls) as connection:
                ends = time.monotonic() + seconds
                while len(took) <= fewest or time.monotonic() < ends:
                    began = time.monotonic()
                    connection.sendall(request)
                    _read(connection, review)
                    took.append(time.monotonic() - began)
        except (OSError, http.client.HTTPException) as error:
            raise BenchmarkError(f"{review.name} was not answered: {error!r}.") from error
    return took[1:]


def _connected(port: int, tls: Path) -> ssl.SSLSocket:
    """Open a connection."""
    plain = socket.create_connection((LOOPBACK, port), _TIMEOUT)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return certificate.trusted(tls).wrap_socket(plain, server_hostname="localhost")


def _read(connection: ssl.SSLSocket, review: Review) -> None:
    """Read an answer to its end."""
    with contextlib.closing(http.client.HTTPResponse(connection, method="POST")) as response:
        response.begin()
        response.read()
        if response.status != http.HTTPStatus.OK:
            raise BenchmarkError(f"{review.name} was answered with status {response.status}.")
