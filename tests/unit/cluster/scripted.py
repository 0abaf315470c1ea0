"""An API server on loopback that answers what a test says, and remembers what it was asked."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

DATE = "Wed, 21 Oct 2015 07:28:00 GMT"


class Asked(NamedTuple):
    """One request that came in."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    """By lower-case name; the last of those that come twice."""
    body: Any
    every_header: list[tuple[str, str]]
    """Likewise, and all of them."""


class _Planned(NamedTuple):
    """One answer that is yet to be given."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    length: int


class Scripted:
    """Answers in the order in which they were planned; without a plan the connection breaks.

    Attributes:
        asked: All that came in, in order.
    """

    def __init__(self) -> None:
        """Listen on a free port of loopback."""
        self.asked: list[Asked] = []
        self._planned: list[_Planned] = []
        scripted = self

        class Handler(_Handler):
            script = scripted

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Free the port."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(
        self,
        status: int,
        body: object,
        *,
        date: str | None = DATE,
        missing: int = 0,
        retry_after: str | None = None,
    ) -> None:
        """Plan an answer.

        Args:
            status: The HTTP status.
            body: Bytes, or something to write as JSON.
            date: The header ``Date``; ``None``: without.
            missing: Bytes of the body that never come.
            retry_after: The header ``Retry-After``; ``None``: without.
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Date": date, "Retry-After": retry_after}
        headers = {name: value for name, value in told.items() if value is not None}
        self._planned.append(_Planned(status, content, headers, len(content) + missing))

    def next_answer(self, asked: Asked) -> _Planned | None:
        """Remember a request and tell how to answer it."""
        self.asked.append(asked)
        return self._planned.pop(0) if self._planned else None


class _Handler(BaseHTTPRequestHandler):
    """Reads one request from each connection and answers it."""

    script: Scripted

    def do_GET(self) -> None:
        """Answer one request."""
        url = urlsplit(self.path)
        every = [(key.lower(), value) for key, value in self.headers.items()]
        headers = dict(every)
        content = self.rfile.read(int(headers.get("content-length", "0")))
        body = json.loads(content) if content else None
        asked = Asked(self.command, url.path, dict(parse_qsl(url.query)), headers, body, every)
        planned = self.script.next_answer(asked)
        if planned is None:
            return
        self.send_response_only(planned.status)
        for name, value in planned.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(planned.length))
        self.end_headers()
        self.wfile.write(planned.body)

    do_POST = do_PATCH = do_GET  # noqa: N815  the base class calls them so

    def log_message(self, *_: object) -> None:
        """Say nothing."""
