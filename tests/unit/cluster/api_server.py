"""A small API server on loopback that has objects of one kind only, and can misbehave."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

JsonObject = dict[str, Any]

COLLECTION = "/api/v1/namespaces"


class Request(NamedTuple):
    """One request that came in."""

    verb: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    at: float
    """Seconds of the monotonic clock."""


class ApiServer:
    """Namespaces, or objects of another kind, their history, and a record of who asked for what.

    Attributes:
        faults: What happens instead of an answer, by verb (``get``, ``list``, ``watch``): an HTTP
            status, ``drop`` (the connection breaks), ``hang`` (no answer until :meth:`release`),
            ``cut`` (the connection breaks within the body), or bytes (a body with status 200).
        bodies: The body of an error status, where it is not a Status; ``cut`` breaks off within it.
        requests: All that came in, in order.
        tokens: Bearer tokens that are accepted; ``None``: whoever comes.
        page: Objects in one page of a list.
        released: How often what hung was answered.
        collection: Path of the collection that it has.
    """

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Listen on loopback.

        Args:
            port: TCP port, 0 for a free one.
            tls: Speak TLS with this.
        """
        self.faults: dict[str, int | str | bytes] = {}
        self.bodies: dict[int, bytes] = {}
        self.requests: list[Request] = []
        self.tokens: set[str] | None = None
        self.page = 2
        self.collection = COLLECTION
        self.changed = threading.Condition()
        self.stopping = False
        self.open_watches = 0
        self._revision = 100
        self._compacted = 0
        self._objects: dict[str, JsonObject] = {}
        self._history: list[tuple[int, JsonObject]] = []
        self._endings: list[tuple[int, str | JsonObject]] = []
        self.released = 0
        self._streams = 0
        self._connections: set[socket.socket] = set()
        self._http = _HttpServer(("127.0.0.1", port), self, tls)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        self.port: int = self._http.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Break all connections and free the port."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def count(self, verb: str) -> int:
        """Count the requests with a verb."""
        return sum(request.verb == verb for request in self.requests)

    def put(self, name: str, **labels: str) -> None:
        """Create or relabel a namespace; ``_`` in a label's key stands for ``-``."""
        spelled = {key.replace("_", "-"): value for key, value in labels.items()}
        metadata = {"name": name, "labels": spelled} if spelled else {"name": name}
        self.store(name, {"kind": "PartialObjectMetadata", "metadata": metadata})

    def store(self, name: str, subject: JsonObject) -> None:
        """Create or replace an object of whatever kind."""
        with self.changed:
            event = "MODIFIED" if name in self._objects else "ADDED"
            self._objects[name] = subject
            self._happened(event, subject)

    def delete(self, name: str) -> None:
        """Delete an object."""
        with self.changed:
            self._happened("DELETED", self._objects.pop(name))

    def bookmark(self) -> str:
        """Send a bookmark of a revision that nothing else tells, and return that revision."""
        with self.changed:
            self._happened("BOOKMARK", {"kind": "PartialObjectMetadata", "metadata": {}})
            return str(self._revision)

    def forget_history(self) -> None:
        """Compact: a watch from before now is 410."""
        with self.changed:
            self._revision += 1
            self._compacted = self._revision

    def end_watches(self, how: str | JsonObject = "end") -> None:
        """End the watches that are open.

        Args:
            how: ``end`` (properly), ``drop`` (the connection breaks), ``freeze`` (half-open: never
                a byte again), ``junk`` (a line that is no JSON), or the object of an ERROR event.
        """
        with self.changed:
            self._endings.append((self._streams, how))
            self.changed.notify_all()

    def release(self) -> None:
        """Answer what hangs."""
        with self.changed:
            self.released += 1
            self.changed.notify_all()

    def _happened(self, event: str, subject: JsonObject) -> None:
        """Write history; with the lock held."""
        self._revision += 1
        subject["metadata"]["resourceVersion"] = str(self._revision)
        entry = {"type": event, "object": json.loads(json.dumps(subject))}
        self._history.append((self._revision, entry))
        self.changed.notify_all()

    def get(self, name: str) -> tuple[int, JsonObject]:
        """Answer a get."""
        found = self._objects.get(name)
        return (200, found) if found else (404, {"message": f'namespaces "{name}" not found'})

    def list(self, params: dict[str, str]) -> tuple[int, JsonObject]:
        """Answer a list."""
        start = int(params.get("continue", "0"))
        names = sorted(self._objects)
        metadata = {"resourceVersion": str(self._revision)}
        if start + self.page < len(names):
            metadata["continue"] = str(start + self.page)
        items = [self._objects[name] for name in names[start : start + self.page]]
        return 200, {"kind": "PartialObjectMetadataList", "metadata": metadata, "items": items}

    def watch(self, params: dict[str, str], handler: "_Handler") -> None:
        """Answer a watch."""
        seen = int(params["resourceVersion"])
        with self.changed:
            if seen < self._compacted:
                handler.answer(410, {"message": "too old resource version"})
                return
            self._streams += 1
            stream = self._streams
        handler.start_stream()
        with self._watching():
            while True:
                with self.changed:
                    ending = self._ending(stream)
                    events = [entry for revision, entry in self._history if revision > seen]
                    if not events and ending is None and not self.stopping:
                        self.changed.wait()
                        continue
                    seen = self._revision
                for event in events:
                    handler.send_line(json.dumps(event).encode())
                if ending is not None or self.stopping:
                    self._finish(ending, handler)
                    return

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        """Count an open watch."""
        with self.changed:
            self.open_watches += 1
        try:
            yield
        finally:
            with self.changed:
                self.open_watches -= 1

    def _ending(self, stream: int) -> str | JsonObject | None:
        """Tell how a stream is to end; with the lock held."""
        return next((how for last, how in self._endings if stream <= last), None)

    def _finish(self, how: str | JsonObject | None, handler: "_Handler") -> None:
        """End a stream."""
        if how == "freeze":
            self.hang(self.released)
        elif how == "junk":
            handler.send_line(b"<html>")
        elif isinstance(how, dict):
            handler.send_line(json.dumps({"type": "ERROR", "object": how}).encode())
        if how == "end":
            handler.end_stream()
        else:
            handler.drop()

    def hang(self, released: int) -> None:
        """Wait for the next :meth:`release` or the end.

        Args:
            released: What ``released`` was when what hangs could first be seen by a test.
        """
        with self.changed:
            self.changed.wait_for(lambda: self.stopping or self.released > released)

    def misbehave(self, verb: str, handler: "_Handler", released: int) -> bool:
        """Do what ``faults`` says; tell whether the request is done with that."""
        fault = self.faults.get(verb)
        if fault is None:
            return False
        if fault == "hang":
            self.hang(released)
            return False
        if isinstance(fault, int):
            message = f'namespaces is forbidden: User "x" cannot {verb} resource "namespaces"'
            body = self.bodies.get(fault, json.dumps({"message": message}).encode())
            if body == b"cut":
                handler.answer_bytes(fault, body, length=100)
                handler.drop()
            else:
                handler.answer_bytes(fault, body)
        elif isinstance(fault, bytes):
            handler.answer_bytes(200, fault)
        elif fault == "cut":
            handler.answer_bytes(200, b"{", length=100)
            handler.drop()
        else:
            handler.drop()
        return True

    def connected(self, connection: socket.socket) -> None:
        """Remember a connection, to break it."""
        with self.changed:
            self._connections.add(connection)
            if self.stopping:
                connection.shutdown(socket.SHUT_RDWR)

    def disconnected(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self.changed:
            self._connections.discard(connection)


class _HttpServer(ThreadingHTTPServer):
    """One thread for each connection; all have ended when it is closed."""

    daemon_threads = False
    block_on_close = True

    def __init__(
        self, address: tuple[str, int], api: ApiServer, tls: ssl.SSLContext | None
    ) -> None:
        self.api = api
        self.tls = tls
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread."""
        with contextlib.suppress(OSError):
            connection = self.tls.wrap_socket(request, server_side=True) if self.tls else request
            try:
                self.api.connected(connection)  # fails where its client is gone already
                super().finish_request(connection, client_address)
            finally:
                self.api.disconnected(connection)
                if self.tls:
                    connection.close()


class _Handler(BaseHTTPRequestHandler):
    """Reads requests and writes answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _HttpServer

    def do_GET(self) -> None:
        """Answer one request."""
        api = self.server.api
        url = urlsplit(self.path)
        params = dict(parse_qsl(url.query))
        name = url.path.removeprefix(api.collection).removeprefix("/")
        verb = "get" if name else "watch" if "watch" in params else "list"
        with api.changed:
            headers = {key.lower(): value for key, value in self.headers.items()}
            api.requests.append(Request(verb, url.path, params, headers, time.monotonic()))
            released = api.released
        token = headers.get("authorization", "").partition(" ")[2]
        if api.tokens is not None and token not in api.tokens:
            self.answer(401, {"message": "Unauthorized"})
        elif api.misbehave(verb, self, released):
            pass
        elif verb == "watch":
            api.watch(params, self)
        else:
            with api.changed:
                status, body = api.get(name) if name else api.list(params)
                text = json.dumps(body).encode()
            self.answer_bytes(status, text)

    def answer(self, status: int, body: JsonObject) -> None:
        """Send a Status."""
        self.answer_bytes(status, json.dumps(body).encode())

    def answer_bytes(self, status: int, body: bytes, length: int | None = None) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def start_stream(self) -> None:
        """Accept a watch."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def send_line(self, line: bytes) -> None:
        """Send one event."""
        self.wfile.write(b"%x\r\n%s\n\r\n" % (len(line) + 1, line))

    def end_stream(self) -> None:
        """End a watch properly."""
        self.wfile.write(b"0\r\n\r\n")

    def drop(self) -> None:
        """Break the connection off."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
