"""One replica: ``source-ip-webhook serve --tls-managed`` as a process of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3

from tests.controlplane.ports import LOOPBACK, free_port
from tests.e2e.service_process import read_sample
from tests.waiting import wait_for

_REPOSITORY = Path(__file__).parents[3]
_DEADLINE = 30.0


class Replica:
    """A process with the rights of a ServiceAccount.

    Args:
        folder: Where its log goes, and the folders that it should leave empty.
        kubeconfig: Of the ServiceAccount.
        flags: Of ``serve``.
    """

    def __init__(self, folder: Path, kubeconfig: Path, *flags: str) -> None:
        self.log = folder / "replica.log"
        self.writable = folder / "writable"
        """Current, home and temporary folder: all that the process could want to write to."""
        self.writable.mkdir(parents=True)
        self.port, self.ops_port = free_port(), free_port()
        self.running = False
        """Whether it should answer now."""
        self._kubeconfig = kubeconfig
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and do not wait."""
        listen = ("--host", LOOPBACK, "--port", self.port, "--ops-port", self.ops_port)
        flags = ("--tls-managed", "--tls-host", LOOPBACK, "--drain", "1", *listen, *self._flags)
        folders = dict.fromkeys(("HOME", "TMPDIR"), str(self.writable))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "webhook", "serve", *map(str, flags)],
                env={
                    **os.environ,
                    **folders,
                    "KUBECONFIG": str(self._kubeconfig),
                    "PYTHONPATH": str(_REPOSITORY),
                },
                cwd=self.writable,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self) -> None:
        """Wait for the first certificate and all else that readiness asks for."""
        wait_for(lambda: self.ready or self._ended, _DEADLINE, f"{self.log} to become ready")
        assert not self._ended, self.log.read_text()
        self.running = True

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end; fine if it does not run."""
        self.running = False
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_DEADLINE)
            self._process = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let it do nothing at all for the length of a block."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @property
    def ready(self) -> bool:
        """Whether kubelet would call it ready."""
        try:
            return self.ops("/readyz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def ops(self, path: str) -> urllib3.BaseHTTPResponse:
        """Ask for health or metrics."""
        url = f"http://{LOOPBACK}:{self.ops_port}{path}"
        return urllib3.request("GET", url, retries=False, timeout=5)

    def metric(self, name: str) -> float:
        """Read a sample, by its name without the product's prefix, and its labels."""
        return read_sample(self.ops("/metrics").data, f"source_ip_webhook_{name}")

    @property
    def failures(self) -> float:
        """How many looks at certificates have failed."""
        return self.metric("certificate_failures_total")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Read the events of a name from the log."""
        whole, _, _ = self.log.read_text().rpartition("\n")
        return [
            event for line in whole.splitlines() if (event := json.loads(line))["event"] == name
        ]

    @property
    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None
