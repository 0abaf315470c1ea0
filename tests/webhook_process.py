"""The webhook as a process: the one launcher for all tests that watch it from outside.

Each place that needs something more derives from these classes. ``tests/image`` cannot use them:
it runs containers of the image, so what it starts is not this interpreter in this folder.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import urllib3

from tests.controlplane.ports import LOOPBACK
from tests.waiting import wait_for

REPOSITORY: Final = Path(__file__).parents[1]
COMMAND: Final = (sys.executable, "-m", "webhook")
"""The first words of the command line of every subcommand."""
DEADLINE: Final = 60.0
"""Seconds within which the process must serve, become ready, or end."""
_OURS: Final = "SOURCE_IP_WEBHOOK_"
"""How the names of the variables begin that stand for flags."""


class WebhookProcess:
    """``serve`` on loopback, with its log in a file.

    Args:
        log: Receives standard output and error, appended; its folder has to be there.
        flags: Of ``serve``, beside those of listening, which they may override.
        environment: Variables beside those of the tests; the tests' own variables that stand for
            flags are left out, so that what a developer has set changes no test.
        folder: The current folder of the process.
        port: Where reviews are to be served; 0: the process chooses at its first start.
        ops_port: Where health and metrics are to be served; 0: likewise.
    """

    command: Sequence[str] = COMMAND
    """What runs ``serve``."""

    def __init__(
        self,
        log: Path,
        *flags: str | Path,
        environment: Mapping[str, str] | None = None,
        folder: Path = REPOSITORY,
        port: int = 0,
        ops_port: int = 0,
    ) -> None:
        self.log = log
        self.flags = flags
        self.port, self.ops_port = port, ops_port
        self.environment = dict(environment or {})
        """Variables beside those of the tests, from the next start on."""
        self._folder = folder
        self._popen: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, and do not wait.

        Raises:
            RuntimeError: It runs already.
        """
        with self.log.open("ab") as log:
            self._launch(stdout=log, stderr=log)

    def _launch(self, **streams: Any) -> None:
        if self._popen is not None:
            raise RuntimeError("it runs already")
        listen = ("--host", LOOPBACK, "--port", self.port, "--ops-port", self.ops_port)
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        self._popen = subprocess.Popen(  # noqa: S603  our own program, no shell
            [*self.command, "serve", *map(str, (*listen, *self.flags))],
            env={**inherited, "PYTHONPATH": str(REPOSITORY), **self.environment},
            cwd=self._folder,
            bufsize=0,  # select does not see lines that a buffer holds
            **streams,
        )

    def start(self) -> None:
        """Start it and wait until it listens; a port that it chose is kept for the next start."""
        before = len(self.events("serving"))
        self.launch()
        with self._stopped_on_failure():
            wait_for(
                lambda: len(self.events("serving")) > before or self.ended,
                DEADLINE,
                "it to listen",
            )
            assert not self.ended, self.log.read_text()
            self._listens(self.events("serving")[-1])

    def _listens(self, event: Mapping[str, Any]) -> None:
        self.port, self.ops_port = event["port"], event["ops_port"]

    @contextlib.contextmanager
    def _stopped_on_failure(self) -> Iterator[None]:
        """Leave no process behind that its test does not know of yet."""
        try:
            yield
        except BaseException:
            self.stop(signal.SIGKILL)
            raise

    def wait_until_ready(self) -> None:
        """Wait for the first certificate and all else that readiness asks for."""
        wait_for(lambda: self.ready or self.ended, DEADLINE, f"{self.log} to become ready")
        assert not self.ended, self.log.read_text()

    @property
    def popen(self) -> subprocess.Popen[bytes]:
        """The process that runs, or has ended by itself."""
        assert self._popen is not None, "it was not started, or was stopped"
        return self._popen

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    @property
    def ended(self) -> bool:
        """Whether it does not run: not started, stopped, or ended by itself."""
        return self._popen is None or self._popen.poll() is not None

    def send(self, how: signal.Signals) -> None:
        """Send a signal and do not wait; fine if it has ended."""
        self.popen.send_signal(how)

    def wait(self) -> int:
        """Wait for its end, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: It does not end in time.
        """
        return self.popen.wait(DEADLINE)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end; fine if it does not run. Nothing is left behind.

        Raises:
            subprocess.TimeoutExpired: It did not end in time, and was killed.
        """
        if self._popen is None:
            return
        process, self._popen = self._popen, None
        process.send_signal(how)
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()  # does nothing to a process that has been waited for
            process.wait()
            if process.stderr is not None:
                process.stderr.close()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let it do nothing at all for the length of a block, connections included."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Read the events of a name from the log, which may lack the last ones for a moment."""
        if not self.log.exists():
            return []
        whole, _, _ = self.log.read_text().rpartition("\n")
        # Only lines that may be of that name are parsed: others wait for one in long logs.
        lines = (line for line in whole.splitlines() if f'"{name}"' in line)
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    def decisions(self, namespace: str) -> list[dict[str, Any]]:
        """Read the decisions on objects of a namespace from the log, all that were made so far."""
        wait_for(lambda: self.metric("log_waiting_bytes") == 0, DEADLINE, "the log to be written")
        return [event for event in self.events("admission") if event["namespace"] == namespace]

    def ops(self, path: str, *, timeout: float = DEADLINE) -> urllib3.BaseHTTPResponse:
        """Ask for health or metrics.

        Args:
            path: As ``/metrics``.
            timeout: Seconds.

        Raises:
            urllib3.exceptions.HTTPError: Nobody answers.
        """
        url = f"http://{LOOPBACK}:{self.ops_port}{path}"
        return urllib3.request("GET", url, retries=False, timeout=timeout)

    @property
    def ready(self) -> bool:
        """Whether kubelet would call it ready."""
        try:
            return self.ops("/readyz", timeout=5).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def metric(self, sample: str) -> float:
        """Read a sample, by its name without the product's prefix, and its labels."""
        return read_sample(self.ops("/metrics").data, f"source_ip_webhook_{sample}")


class PipedWebhookProcess(WebhookProcess):
    """``serve`` whose log is a pipe: it can be left unread, and is not kept on a disk."""

    def __init__(self, *flags: str | Path, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(Path(os.devnull), *flags, environment=environment)
        self.lines: list[str] = []
        """What was read of the log so far."""

    def launch(self) -> None:
        """Start it, and do not wait."""
        self._launch(stderr=subprocess.PIPE)

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.launch()
        with self._stopped_on_failure():
            self._listens(self.event("serving"))

    @property
    def stderr(self) -> Any:
        """The end of the pipe that tests read."""
        return self.popen.stderr

    def event(
        self, name: str, *, while_waiting: Callable[[], object] = lambda: None
    ) -> dict[str, Any]:
        """Read the log up to the next event of a name; do something before each look.

        Fails the test if the log ends before, or nothing is written in time.
        """
        ends = time.monotonic() + DEADLINE
        while_waiting()
        while select.select([self.stderr], [], [], max(0, ends - time.monotonic()))[0]:
            line = self.stderr.readline().decode()
            assert line, self.lines
            self.lines.append(line)
            event: dict[str, Any] = json.loads(line)
            if event["event"] == name:
                return event
            while_waiting()
        pytest.fail(f"no event {name} in {self.lines}")

    def end(self) -> int:
        """Wait for the end, read the rest of the log, and return the exit code."""
        code = self.wait()
        self.lines += self.stderr.read().decode().splitlines()
        return code


def read_sample(exposition: bytes, sample: str) -> float:
    """Read a sample of metrics in Prometheus' text format; 0 where it is not there yet."""
    for line in exposition.decode().splitlines():
        name, _, value = line.rpartition(" ")
        if name == sample:
            return float(value)
    return 0.0
