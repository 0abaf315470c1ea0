"""The real service as a process of its own, as a container would run it."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import urllib3

from certs.authority import Authority
from certs.contents import CA_CERTIFICATE, CERTIFICATE, KEY, write_files
from tests.waiting import wait_for

STARTED = 20.0
"""Seconds until the process must have said where it listens."""


class ServiceProcess:
    """``source-ip-webhook serve`` with the rights of a ServiceAccount.

    Args:
        folder: Where certificates and log go.
        kubeconfig: Of the ServiceAccount.
    """

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        self.folder = folder
        self._kubeconfig = kubeconfig
        self._log = folder / "source-ip-webhook.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.drain = 1.0
        """Seconds between SIGTERM and the closing of the port."""
        now = dt.datetime.now(dt.UTC)
        authority = Authority.create("e2e", now=now, lifetime=dt.timedelta(days=1))
        write_files(
            folder,
            authority,
            authority.issue(["127.0.0.1"], now=now, lifetime=dt.timedelta(days=1)),
        )

    @property
    def ca(self) -> bytes:
        """Certificate of the authority that made its certificate."""
        return (self.folder / CA_CERTIFICATE).read_bytes()

    def start(self) -> None:
        """Start it and wait until it listens, on the port of the time before if there was one."""
        listen = (
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--ops-port",
            "0",
            "--drain",
            str(self.drain),
        )
        pair = ("--tls-cert", self.folder / CERTIFICATE, "--tls-key", self.folder / KEY)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "webhook", "serve", *listen, *pair],
                env={**os.environ, "KUBECONFIG": str(self._kubeconfig)},
                stderr=log,
            )
        before = len(self.events("serving"))
        wait_for(
            lambda: len(self.events("serving")) > before or self._process_ended(),
            STARTED,
            "source-ip-webhook to listen",
        )
        assert not self._process_ended(), self._log.read_text()
        self.port = self.events("serving")[-1]["port"]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end; fine if it does not run."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    @property
    def ops_port(self) -> int:
        """Where it serves health and metrics."""
        port: int = self.events("serving")[-1]["ops_port"]
        return port

    def ops(self, path: str) -> urllib3.BaseHTTPResponse:
        """Ask for health or metrics."""
        return urllib3.request("GET", f"http://127.0.0.1:{self.ops_port}{path}")

    def metric(self, sample: str) -> float:
        """Read a sample of its metrics, by name and labels as they are exposed."""
        return read_sample(self.ops("/metrics").data, sample)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Read the events of a name from the log, which may lack the last ones for a moment."""
        lines = self._log.read_text().splitlines()
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    def decisions(self, namespace: str) -> list[dict[str, Any]]:
        """Read the decisions on objects of a namespace from the log, all that were made so far."""
        waiting = "source_ip_webhook_log_waiting_bytes"
        wait_for(lambda: self.metric(waiting) == 0, STARTED, "the log to be written")
        return [event for event in self.events("admission") if event["namespace"] == namespace]

    def _process_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


def read_sample(exposition: bytes, sample: str) -> float:
    """Read a sample of metrics in Prometheus' text format; 0 where it is not there yet."""
    for line in exposition.decode().splitlines():
        name, _, value = line.rpartition(" ")
        if name == sample:
            return float(value)
    return 0.0
