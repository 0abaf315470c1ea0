"""50,000 Pods, and an API server on loopback that serves them: how much an audit of them takes.

``python -m tests.inspection.many`` measures and prints; a test holds the bound on memory.
"""

import contextlib
import dataclasses
import json
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click

from tests import kubeconfig
from tests.inspection.population import REPLICAS, Population
from tests.webhook_process import COMMAND

Json = dict[str, Any]

_TICK_SECONDS = 0.02


class Server:
    """The API server.

    Attributes:
        url: Where it listens, once it is served.
        requests: How many it has answered, by path without query.
        sent: Bytes of all bodies.
    """

    def __init__(self, population: Population) -> None:
        """Take those who live there."""
        self.collections = population.collections()
        self.requests: dict[str, int] = {}
        self.sent = 0
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def serving(self, folder: Path) -> Iterator[Path]:
        """Listen on loopback, and give a kubeconfig.

        Args:
            folder: For the kubeconfig.
        """
        http = _HttpServer(("127.0.0.1", 0), _Handler)
        http.api = self
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{http.server_address[1]}"
            yield kubeconfig.write(folder / "many", url, {"token": "any"})
        finally:
            http.shutdown()
            http.server_close()
            thread.join()

    def answer(self, target: str) -> tuple[HTTPStatus, bytes]:
        """Answer a GET."""
        url = urlsplit(target)
        params = dict(parse_qsl(url.query))
        with self.lock:
            self.requests[url.path] = self.requests.get(url.path, 0) + 1
        if url.path in self.collections:
            size = int(params.get("limit", 10**9))
            start = int(params.get("continue", 0))
            return HTTPStatus.OK, self.collections[url.path].page(start, size)
        return self._one(url.path)

    def _one(self, path: str) -> tuple[HTTPStatus, bytes]:
        """Answer for one object: one that is numbered, or the only one."""
        collection, _, name = path.rpartition("/")
        found = self.collections.get(collection)
        number = re.match(r"(?:app|team)-(\d+)", name)
        if found is None or (number is None and found.size > 1):
            return HTTPStatus.NOT_FOUND, b'{"kind":"Status","apiVersion":"v1","code":404}'
        return HTTPStatus.OK, found.make(int(number[1]) if number else 0)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    api: Server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: _HttpServer

    def do_GET(self) -> None:
        """Answer one request."""
        status, body = self.server.api.answer(self.path)
        self.server.api.sent += len(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """What an audit took.

    Attributes:
        code: Its exit code.
        report: What it said.
        peak: Bytes of memory at the most, as the kernel counts them (``VmHWM``).
        seconds: From its start to its end.
        sent: Bytes that the server sent.
    """

    code: int
    report: Json
    peak: int
    seconds: float
    sent: int


def measure(population: Population, folder: Path) -> Measured:
    """Audit a population, in a process of its own.

    Args:
        population: Who lives there.
        folder: For what the process says.
    """
    server = Server(population)
    said = folder / "report.json"
    with server.serving(folder) as file, said.open("w") as stdout:
        began = time.monotonic()
        command = [*COMMAND, "audit", "--kubeconfig", str(file), "-o", "json"]
        with subprocess.Popen(command, stdout=stdout, stdin=subprocess.DEVNULL) as process:  # noqa: S603
            peak = 0
            while process.poll() is None:
                # The kernel's record of the peak goes with the process, so it is read often.
                peak = max(peak, _peak(process.pid))
                time.sleep(_TICK_SECONDS)
        seconds = time.monotonic() - began
    report = json.loads(said.read_text() or "{}")
    return Measured(process.returncode, report, peak, seconds, server.sent)


def _peak(process: int) -> int:
    """Read the most memory that a process has had, in bytes; 0 where it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@click.command()
@click.option("--replicas", default=REPLICAS, show_default=True, help="Pods of each Deployment.")
def main(replicas: int) -> None:
    """Audit 50,000 Pods, and print what it took."""
    population = Population(replicas=replicas)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(population, Path(folder))
    click.echo(
        f"{population.pods:,} Pods of {population.namespaces * population.workloads:,} Deployments "
        f"in {population.namespaces} namespaces, {found.sent >> 20:,} MiB of JSON: "
        f"{found.seconds:.1f} s, {found.peak >> 20} MiB of memory at most, "
        f"{len(found.report['findings'])} findings, exit code {found.code}"
    )


if __name__ == "__main__":
    main()
