"""An API server on loopback that speaks WebSocket, as far as exec and port-forward need it."""

import base64
import contextlib
import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

BINARY, CLOSE = 2, 8
"""Opcodes of RFC 6455 section 5.2."""
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Of RFC 6455 section 1.3."""


class Opened(NamedTuple):
    """One request to open a stream."""

    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    """By lower-case name."""


class Streaming:
    """Answers each request with what was planned next; without a plan the connection breaks.

    Attributes:
        opened: All requests, in order.
        url: Of the server.
        tunnelled: The TLS of whoever is reached through it, if it is a proxy.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a free port of loopback.

        Args:
            tls: To speak TLS; ``None``: plain.
        """
        self.opened: list[Opened] = []
        self.tunnelled: ssl.SSLContext | None = None
        self.plans: list[Callable[[Handler], None]] = []
        streaming = self

        class OfThis(Handler):
            stage = streaming

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), OfThis)
        self._http.daemon_threads = False
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Free the port."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def refuse(self, status: int, body: object = b"", **headers: str) -> None:
        """Plan an answer without a stream."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.plans.append(lambda handler: handler.refuse(status, content, headers))

    def stream(self, act: Callable[["Handler"], None]) -> None:
        """Plan a stream on which something is done."""

        def plan(handler: "Handler") -> None:
            handler.upgrade()
            act(handler)

        self.plans.append(plan)

    def send(self, *frames: bytes, close: bool = True) -> None:
        """Plan a stream of these frames."""

        def act(handler: "Handler") -> None:
            for frame in frames:
                handler.send(frame)
            if close:
                handler.send(b"\x03\xe8", CLOSE)
            else:
                handler.receive()  # until the client goes away

        self.stream(act)


class Handler(BaseHTTPRequestHandler):
    """Reads one request from each connection, and may make a stream of it."""

    stage: Streaming
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        url = urlsplit(self.path)
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.stage.opened.append(Opened(url.path, parse_qsl(url.query), headers))
        self.close_connection = True
        if self.stage.plans:
            with contextlib.suppress(OSError):  # the client may go away at any time
                self.stage.plans.pop(0)(self)

    def do_CONNECT(self) -> None:
        """Be a proxy, and behind it the API server as well."""
        assert self.stage.tunnelled is not None
        self.send_response_only(200)
        self.end_headers()
        self.connection = self.stage.tunnelled.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def refuse(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        """Answer without a stream."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if content:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def upgrade(self) -> None:
        """Agree to a stream of the protocol that is wanted most."""
        key = self.headers["Sec-WebSocket-Key"].encode() + _ACCEPT
        accept = base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest()).decode()
        self.send_response_only(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        wanted: Sequence[str] = self.headers["Sec-WebSocket-Protocol"].split(",")
        self.send_header("Sec-WebSocket-Protocol", wanted[0])
        self.end_headers()

    def send(self, content: bytes, opcode: int = BINARY) -> None:
        """Send a frame; of two bytes of length, which are right for any below 64 KiB."""
        self.wfile.write(bytes([0x80 | opcode, 126]) + len(content).to_bytes(2, "big") + content)

    def receive(self) -> bytes:
        """Receive a frame of fewer than 126 bytes; empty where the client has gone away."""
        head = self.rfile.read(2)
        if len(head) < 2:
            return b""
        mask = self.rfile.read(4)
        masked = self.rfile.read(head[1] & 0x7F)
        return bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))

    def finish(self) -> None:
        """Close the connection, with the TLS within it."""
        super().finish()
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
