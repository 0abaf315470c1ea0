"""A proxy in front of the real API server: busy, gone half-way, or serving small pages.

It speaks plain HTTP on loopback, so that what is on its way can be changed; the credentials of the
caller go through.
"""

import contextlib
import datetime as dt
import email.utils
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import urllib3

from tests import kubeconfig

Json = dict[str, Any]

_PASSED = ("authorization", "accept", "content-type", "impersonate-user", "impersonate-group")
"""Headers of a request that go through."""
_CHUNK = 65536


class Proxy:
    """The proxy, from `serving` on.

    Attributes:
        busy: How many requests are still to be answered with 429.
        retry_after: Seconds that are asked for with it.
        dies_within: The request, counted from 1, within whose answer the API server dies; 0: none.
        page: Objects in one page of a list, whatever is asked for; 0: as asked for.
        before: Told of the path of each request before it is passed on.
        change: Changes the JSON of an answer, which it gets with its path.
        change_text: Changes the body of any other answer, likewise.
        dead: Whether it has died, and drops what comes.
        ahead: How far the API server's clock goes ahead.
        requests: Paths of all requests so far.
    """

    def __init__(self, server: str, ca_file: Path) -> None:
        """Take the real one.

        Args:
            server: Its URL.
            ca_file: PEM that verifies it.
        """
        self.server = server
        self.busy = 0
        self.retry_after = 1
        self.dies_within = 0
        self.page = 0
        self.before: Callable[[str], None] = lambda _path: None
        self.change: Callable[[str, Json], None] | None = None
        self.change_text: Callable[[str, bytes], bytes] = lambda _path, text: text
        self.requests: list[str] = []
        self.ahead = dt.timedelta()
        self.ca_file = ca_file
        self.pool = urllib3.PoolManager(ca_certs=str(ca_file), retries=False)
        self.lock = threading.Lock()
        self.dead = False

    @contextlib.contextmanager
    def serving(self, folder: Path, user: dict[str, str]) -> Iterator[Path]:
        """Listen, and give a kubeconfig that leads here.

        Args:
            folder: For the kubeconfig.
            user: What a user may have in a kubeconfig.
        """
        http = _Server(("127.0.0.1", 0), _Handler)
        http.proxy = self
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{http.server_address[1]}"
            yield kubeconfig.write(folder / "by-proxy", url, user)
        finally:
            http.shutdown()
            http.server_close()
            thread.join()
            self.pool.clear()

    def turn(self, path: str) -> str:
        """Count a request, and say what becomes of it: ``answer``, ``busy``, ``die``, ``dead``."""
        with self.lock:
            self.requests.append(path)
            if self.dead:
                return "dead"
            if self.busy:
                self.busy -= 1
                return "busy"
            self.dead = len(self.requests) == self.dies_within
            return "die" if self.dead else "answer"

    def paged(self, target: str) -> str:
        """Ask for smaller pages than the caller does."""
        url = urlsplit(target)
        params = dict(parse_qsl(url.query))
        if not self.page or "limit" not in params:
            return target
        return f"{url.path}?{urlencode({**params, 'limit': self.page})}"


class _Server(ThreadingHTTPServer):
    """One thread for each connection; all have ended when it is closed."""

    daemon_threads = False
    block_on_close = True
    proxy: Proxy


class _Handler(BaseHTTPRequestHandler):
    """Passes requests on."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        """Answer one request."""
        proxy = self.server.proxy
        turn = proxy.turn(self.path)
        if turn == "answer" and "Upgrade" in self.headers:
            self._tunnel()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if turn == "dead":
            self._drop()
            return
        if turn == "busy":
            self._answer(
                HTTPStatus.TOO_MANY_REQUESTS, _BUSY, {"Retry-After": str(proxy.retry_after)}
            )
            return
        headers = {name: self.headers[name] for name in _PASSED if name in self.headers}
        proxy.before(self.path)
        target = proxy.server + proxy.paged(self.path)
        try:
            answer = proxy.pool.request(self.command, target, body=body, headers=headers)
        except urllib3.exceptions.HTTPError:  # the real one has gone
            self._drop()
            return
        data = answer.data
        if proxy.change is not None and answer.headers.get("Content-Type") == "application/json":
            content = json.loads(data)
            proxy.change(self.path, content)
            data = json.dumps(content).encode()
        else:
            data = proxy.change_text(self.path, data)
        if turn == "die":
            self._answer(answer.status, data[: len(data) // 2], {"Content-Length": str(len(data))})
            self._drop()
            return
        self._answer(answer.status, data, {})

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815 - as http.server calls them

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the time of the API server."""
        told = super().date_time_string(timestamp)
        return email.utils.format_datetime(
            email.utils.parsedate_to_datetime(told) + self.server.proxy.ahead, usegmt=True
        )

    def _tunnel(self) -> None:
        """Lead a stream, as of exec and port-forward, to the API server and back."""
        proxy = self.server.proxy
        url = urlsplit(proxy.server)
        context = ssl.create_default_context(cafile=str(proxy.ca_file))
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        with (
            socket.create_connection((url.hostname or "", url.port or 443)) as plain,
            context.wrap_socket(plain, server_hostname=url.hostname) as there,
        ):
            there.sendall(f"{self.requestline}\r\n{head}\r\n".encode())
            self.close_connection = True
            ends = {self.connection: there, there: self.connection}
            while True:
                ready = [there] if there.pending() else select.select([*ends], [], [])[0]
                for each in ready:
                    with contextlib.suppress(OSError):
                        if data := each.recv(_CHUNK):
                            ends[each].sendall(data)
                            continue
                    return

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        told = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # the caller may have gone
            self.wfile.write(body)

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_BUSY = json.dumps(
    {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": "TooManyRequests",
        "message": "Too many requests, please try again later.",
        "code": 429,
    }
).encode()
