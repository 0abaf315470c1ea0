"""One replica: ``serve --tls-managed`` as a process that can write nowhere unseen."""

import signal
from pathlib import Path

from tests.controlplane.ports import LOOPBACK, free_port
from tests.webhook_process import WebhookProcess


class Replica(WebhookProcess):
    """A process with the rights of a ServiceAccount.

    Args:
        folder: Where its log goes, and the folders that it should leave empty.
        kubeconfig: Of the ServiceAccount.
        flags: Of ``serve``.
    """

    def __init__(self, folder: Path, kubeconfig: Path, *flags: str) -> None:
        self.writable = folder / "writable"
        """Current, home and temporary folder: all that the process could want to write to."""
        self.writable.mkdir(parents=True)
        super().__init__(
            folder / "replica.log",
            *("--tls-managed", "--tls-host", LOOPBACK, "--drain", "1", *flags),
            environment={
                "HOME": str(self.writable),
                "TMPDIR": str(self.writable),
                "KUBECONFIG": str(kubeconfig),
            },
            folder=self.writable,
            port=free_port(),
            ops_port=free_port(),
        )
        self.running = False
        """Whether it should answer now."""

    def wait_until_ready(self) -> None:
        """Wait for the first certificate and all else that readiness asks for."""
        super().wait_until_ready()
        self.running = True

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end; fine if it does not run."""
        self.running = False
        super().stop(how)

    @property
    def failures(self) -> float:
        """How many looks at certificates have failed."""
        return self.metric("certificate_failures_total")
