"""50,000 Pods, and an API server on loopback that serves them: how much an audit of them takes.

``python -m tests.inspection.many`` measures and prints; a test holds the bound on memory. The Pods
are two recorded ones, injected by Istio, httpbin in a real mesh before and after its namespace was
labelled, with other names (``kubectl get pod -o json --show-managed-fields``, in
tests/fixtures/cluster). Pages are made while they are asked for, as the API server makes them.
"""

import contextlib
import dataclasses
import functools
import json
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click

from tests import kubeconfig
from tests.webhook_process import COMMAND

Json = dict[str, Any]

NAMESPACES = 20
WORKLOADS = 50
"""In each namespace."""
REPLICAS = 50
OLD = 5
"""One in so many workloads is older than the label of its namespace."""
SERVICES = 50
"""In each namespace."""

_TICK_SECONDS = 0.02
_RECORDED = Path(__file__).parents[1] / "fixtures" / "cluster"


def recorded(name: str) -> Json:
    """Read a recorded object."""
    found: Json = json.loads((_RECORDED / f"{name}.json").read_text())
    return found


class Collection:
    """Objects of one kind in one place, made when they are asked for."""

    def __init__(self, kind: str, version: str, size: int, make: Callable[[int], bytes]) -> None:
        """Describe them.

        Args:
            kind: Of each.
            version: Their ``apiVersion``.
            size: How many there are.
            make: Makes one, by its number, as JSON.
        """
        self.head = json.dumps({"kind": f"{kind}List", "apiVersion": version})[:-1].encode()
        self.size = size
        self.make = make

    def page(self, start: int, limit: int) -> bytes:
        """Write a page of a list."""
        end = min(start + limit, self.size)
        metadata = {"resourceVersion": "1000"}
        if end < self.size:
            metadata |= {"continue": str(end), "remainingItemCount": str(self.size - end)}
        items = b",".join(map(self.make, range(start, end)))
        return b'%s,"metadata":%s,"items":[%s]}' % (self.head, json.dumps(metadata).encode(), items)


class Template:
    """A recorded object that is written out again and again under other names."""

    def __init__(self, subject: Json, *names: str) -> None:
        """Take it apart where its names stand.

        Args:
            subject: The recorded one.
            names: What is replaced, longer ones before those that they contain.
        """
        text = json.dumps(subject, separators=(",", ":"))
        self._names = names
        pattern = "|".join(map(re.escape, names))
        self._parts = [part.encode() for part in re.split(f"({pattern})", text)]

    def written(self, *names: str) -> bytes:
        """Write it with other names, in the order of the old ones."""
        new = dict(zip(map(str.encode, self._names), map(str.encode, names), strict=True))
        return b"".join(new.get(part, part) for part in self._parts)


@dataclasses.dataclass(frozen=True)
class Population:
    """Who lives in the cluster.

    Attributes:
        namespaces: How many, all opted in.
        workloads: Deployments in each.
        replicas: Pods of each Deployment.
    """

    namespaces: int = NAMESPACES
    workloads: int = WORKLOADS
    replicas: int = REPLICAS

    @property
    def pods(self) -> int:
        """How many Pods there are."""
        return self.namespaces * self.workloads * self.replicas

    def collections(self) -> dict[str, Collection]:
        """Return all collections by their paths."""
        node = json.dumps(recorded("node")).encode()
        configuration = json.dumps(recorded("configuration")).encode()
        space = Template(recorded("namespace"), '"shop"')
        found = {
            "/api/v1/namespaces": Collection(
                "Namespace", "v1", self.namespaces, lambda n: space.written(f'"{_place(n)}"')
            ),
            "/api/v1/nodes": Collection("Node", "v1", 1, lambda _: node),
            f"{_REGISTRATION}/mutatingwebhookconfigurations": Collection(
                "MutatingWebhookConfiguration",
                "admissionregistration.k8s.io/v1",
                1,
                lambda _: configuration,
            ),
        }
        per_namespace = {
            "Pod": ("/api/v1", "v1", "pods", self.workloads * self.replicas, _pods(self.replicas)),
            "ReplicaSet": ("/apis/apps/v1", "apps/v1", "replicasets", self.workloads, _sets()),
            "Deployment": ("/apis/apps/v1", "apps/v1", "deployments", self.workloads, _deploys()),
            "Service": ("/api/v1", "v1", "services", SERVICES, _services()),
        }
        for kind, (group, version, plural, size, make) in per_namespace.items():
            found[f"{group}/{plural}"] = Collection(
                kind,
                version,
                size * self.namespaces,
                _everywhere(make, size),
            )
            for space_number in range(self.namespaces):
                name = _place(space_number)
                found[f"{group}/namespaces/{name}/{plural}"] = Collection(
                    kind, version, size, functools.partial(make, name)
                )
        return found


_REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
Make = Callable[[str, int], bytes]


def _everywhere(make: Make, size: int) -> Callable[[int], bytes]:
    """Number the objects of all namespaces, one namespace after the other."""
    return lambda number: make(_place(number // size), number % size)


def _place(number: int) -> str:
    return f"team-{number:03}"


def _app(number: int) -> str:
    return f"app-{number:03}"


def _pods(replicas: int) -> Make:
    """Make Pods: the first of each `OLD` workloads is older than the label."""
    old, new = recorded("pod-redirect"), recorded("pod-tproxy")
    templates = {True: _pod_template(old), False: _pod_template(new)}

    def make(namespace: str, number: int) -> bytes:
        app, replica = divmod(number, replicas)
        name = _app(app)
        address = f"10.{int(namespace[-3:]) + 1}.{app}.{replica + 1}"
        names = (f"{name}-5d4b8c7f9-{replica:05}", f"{name}-5d4b8c7f9", name)
        uid = f"00000000-{namespace[-3:]}0-4000-8000-{number:012}"
        return templates[app % OLD == 0].written(*names, namespace, uid, address)

    return make


def _pod_template(pod: Json) -> Template:
    (owner,) = pod["metadata"]["ownerReferences"]
    about = pod["metadata"]
    app = about["labels"]["app"]
    names = (about["name"], owner["name"], app, "shop", about["uid"], pod["status"]["podIP"])
    return Template(pod, *names)


def _sets() -> Make:
    template = Template(
        recorded("replicaset"), recorded("replicaset")["metadata"]["name"], "httpbin", "shop"
    )
    return lambda namespace, n: template.written(f"{_app(n)}-5d4b8c7f9", _app(n), namespace)


def _deploys() -> Make:
    template = Template(recorded("deployment"), "httpbin", "shop")
    return lambda namespace, n: template.written(_app(n), namespace)


def _services() -> Make:
    template = Template(recorded("service"), "httpbin", "shop")
    return lambda namespace, n: template.written(_app(n), namespace)


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
