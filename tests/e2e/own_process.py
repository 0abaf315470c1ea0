"""A service of a test's own, which the test may stop, hang and certify wrongly."""

import datetime as dt
import signal
from collections.abc import Iterable
from pathlib import Path

import pytest

from certs.authority import Authority
from certs.contents import write_files
from tests.controlplane.ports import free_port
from tests.e2e.service_process import ServiceProcess

LABEL = "failures.example.org/keep"
"""Not the label that the session's registration selects by, which therefore keeps out of this."""


class OwnProcess(ServiceProcess):
    """A service whose label is another one, and whose certificate can be replaced."""

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        super().__init__(folder, kubeconfig)
        self.port = free_port()  # no client's connection can take it while nobody listens
        self.authority = Authority.create(
            "e2e", now=dt.datetime.now(dt.UTC), lifetime=dt.timedelta(days=30)
        )
        self.certify()

    def certify(
        self,
        hosts: Iterable[str] = ("127.0.0.1",),
        *,
        days_ago: int = 0,
        lifetime: dt.timedelta = dt.timedelta(days=1),
    ) -> None:
        """Write a certificate, by default for one day, which began some days ago."""
        began = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago)
        leaf = self.authority.issue(tuple(hosts), now=began, lifetime=lifetime)
        write_files(self.folder, self.authority, leaf)

    def start(self) -> None:
        """Start it as the base class does, with the other label."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("SOURCE_IP_WEBHOOK_LABEL_KEY", LABEL)
            super().start()

    def send(self, how: signal.Signals) -> None:
        """Send a signal and do not wait."""
        assert self._process is not None
        self._process.send_signal(how)
