"""Replicas on loopback that shake hands, and ways to them and to nowhere."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from certs.authority import KeyPair
from webhook.doctor.ways import Connection, Replica


class Listener:
    """Shakes hands with whoever connects, by one certificate.

    Args:
        pair: What it serves.
        folder: An empty one.
    """

    def __init__(self, pair: KeyPair, folder: Path) -> None:
        file = folder / "pair.pem"
        file.write_bytes(pair.certificate_pem + pair.key_pem)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(file)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Free the port."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def dial(self, _replica: Replica) -> Connection:
        """Connect to it, whichever replica is meant."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def _serve(self) -> None:
        for connection in _accepted(self._socket):
            with contextlib.suppress(OSError), connection:
                self._context.wrap_socket(connection, server_side=True).close()


def _accepted(listening: socket.socket) -> Iterator[socket.socket]:
    """Accept connections until the port is closed."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        connection.settimeout(10)
        yield connection


def nowhere(_replica: Replica) -> Connection:
    """Lead nowhere."""
    raise OSError("nobody answers")


class Ending:
    """A connection whose other end says this and no more."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = [*answers, b""]
        self.closed = False

    def sendall(self, data: bytes, /) -> None:
        """Take it."""

    def recv(self, _size: int, /) -> bytes:
        """Answer."""
        return self._answers.pop(0)

    def close(self) -> None:
        """Note it."""
        self.closed = True
