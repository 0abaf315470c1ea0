"""The servers that are measured: the webhook with everything on, and its peers.

Each of them has one core for itself, a certificate of the same kind, and is one process. Each runs
as in production: the webhook decides by all rules, counts, and logs every decision.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import BenchmarkError, answers, certificate, interpreter, machine
from benchmarks.peers import commands
from benchmarks.reviews import NAMESPACE, REVIEWS, Review
from tests.controlplane.ports import free_port
from tests.situations import ENABLED
from tests.waiting import wait_for
from tests.webhook_process import WebhookProcess

OURS: Final = "source-ip-webhook"
NAMES: Final = (OURS, *commands.PEERS)
"""All servers, in the order in which they take turns."""
_START: Final = 60.0
"""Seconds within which a server has to answer its first review."""
_END: Final = 30.0
"""Seconds within which it has to end when asked to."""
_LOOK: Final = 0.002
"""Seconds between two looks whether it answers: start to ready is as exact as this."""


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    name: str
    """One of :data:`NAMES`."""

    port: int
    """Where it listens on loopback, with TLS."""

    pid: int
    """Of its only process."""

    ready_seconds: float
    """From its start until it had answered a review."""

    folder: Path
    """Where its certificate is, in ``tls``."""

    ops_port: int | None = None
    """Where the webhook serves health and metrics; the peers: ``None``."""

    def check(self, review: Review) -> None:
        """See that it answers a review as it should.

        Raises:
            BenchmarkError: It does not.
        """
        if self.name == commands.NGINX:
            return  # its answer is the same for all
        context = certificate.trusted(self.folder / "tls")
        try:
            answer = answers.ask(self.port, review, context)
        except (OSError, http.client.HTTPException) as error:
            raise BenchmarkError(f"{self.name} does not answer {review.name}: {error}.") from None
        answers.check(self.name, review, answer)


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator[Server]:
    """Run a server while the context lasts.

    Args:
        name: One of :data:`NAMES`.
        folder: For its certificate and its log; a new one.

    Raises:
        BenchmarkError: What it needs is not there, or it does not start.
    """
    if name == OURS:
        with ours(folder) as server:
            yield server
        return
    commands.require([name])
    folder.mkdir(parents=True, exist_ok=True)
    certificate.write(folder / "tls")
    port = free_port()
    command = commands.PEERS[name](folder, port)
    environment = {**os.environ, "GOMAXPROCS": "1", **interpreter.measured().environment}
    with (folder / "log").open("wb") as log, machine.on({machine.server_core()}):
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603  a peer of ours, no shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours, and we end it
        )
    try:
        _wait(name, port, folder, lambda: process.poll() is not None)
        yield Server(name, port, process.pid, time.monotonic() - began, folder)
    finally:
        _end(process)


@contextlib.contextmanager
def ours(
    folder: Path,
    flags: Sequence[str | Path] = (),
    core: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run the webhook with everything on: all rules, metrics, and its log, which is read at once.

    Args:
        folder: For its certificate and its namespaces; a new one.
        flags: Of ``serve``, which may override what is given by default.
        core: Where it runs; the core of servers by default.
        environment: Variables beside our own, such as ``KUBECONFIG``.

    Raises:
        BenchmarkError: It does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tls = folder / "tls"
    certificate.write(tls)
    (folder / "namespaces.yaml").write_text(_namespaces())
    process = _LoggingToPipe(
        folder / "log",
        *("--tls-cert", tls / "tls.crt", "--tls-key", tls / "tls.key"),
        *("--namespaces", folder / "namespaces.yaml", "--drain", "0"),
        *("--log-level", "info", "--log-format", "json", *flags),
        environment={**interpreter.measured().environment, **(environment or {})},
        port=free_port(),
        ops_port=free_port(),
    )
    try:
        with machine.on({machine.server_core() if core is None else core}):
            began = time.monotonic()
            process.launch()
        _wait(OURS, process.port, folder, lambda: process.ended)
        ready = time.monotonic() - began
        yield Server(OURS, process.port, process.pid, ready, folder, process.ops_port)
    finally:
        process.stop()


class _LoggingToPipe(WebhookProcess):
    """``serve`` whose log goes to a process that reads it and throws it away, as fast as it can."""

    _reader: "subprocess.Popen[bytes] | None" = None

    def __init__(self, log: Path, *flags: str | Path, **more: Any) -> None:
        super().__init__(log, *flags, **more)
        self.command = (interpreter.measured().path, "-m", "webhook")

    def _launch(self, **_streams: Any) -> None:
        with machine.on(machine.other_cores()):
            self._reader = subprocess.Popen(
                ["/bin/cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert self._reader.stdin is not None
        with self._reader.stdin as pipe:
            super()._launch(stderr=pipe, stdin=subprocess.DEVNULL, start_new_session=True)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        super().stop(how)
        if self._reader is not None:
            self._reader.wait(_END)  # its input has ended
            self._reader = None


def _namespaces() -> str:
    """Write the namespace of all reviews as ``serve --namespaces`` reads it; JSON is YAML."""
    metadata = {"name": NAMESPACE, "labels": dict(ENABLED)}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def _wait(name: str, port: int, folder: Path, ended: Callable[[], bool]) -> None:
    """Wait until it answers a review.

    Raises:
        BenchmarkError: It ended, or does not answer in time.
    """
    context = certificate.trusted(folder / "tls")

    def answered() -> bool:
        if ended():
            raise BenchmarkError(f"{name} ended before it answered:\n{_tail(folder / 'log')}")
        try:
            return answers.ask(port, REVIEWS["pod-2k"], context).status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    try:
        wait_for(answered, _START, f"{name} to answer a review", interval_seconds=_LOOK)
    except TimeoutError as error:
        raise BenchmarkError(f"{error}:\n{_tail(folder / 'log')}") from None


def _tail(log: Path) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
