"""The webhook with a certificate in files, which a test can replace."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path

from certs.authority import Authority
from certs.contents import CA_CERTIFICATE, CERTIFICATE, KEY, write_files
from tests.controlplane.ports import free_port
from tests.webhook_process import WebhookProcess


class WebhookWithFiles(WebhookProcess):
    """A process with the rights of a ServiceAccount, on a port that stays its own.

    Args:
        folder: Where certificates and log go.
        kubeconfig: Of the ServiceAccount.
        environment: Variables that stand for flags.
    """

    def __init__(
        self, folder: Path, kubeconfig: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(
            folder / "source-ip-webhook.log",
            environment={"KUBECONFIG": str(kubeconfig), **(environment or {})},
            port=free_port(),  # no client's connection can take it while nobody listens
        )
        self.folder = folder
        self.drain = 1.0
        """Seconds between SIGTERM and the closing of the port, from the next start on."""
        self.authority = Authority.create(
            "e2e", now=dt.datetime.now(dt.UTC), lifetime=dt.timedelta(days=30)
        )
        self.certify()

    @property
    def ca(self) -> bytes:
        """Certificate of the authority that made its certificate."""
        return (self.folder / CA_CERTIFICATE).read_bytes()

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

    def launch(self) -> None:
        """Start it, and do not wait."""
        pair = ("--tls-cert", self.folder / CERTIFICATE, "--tls-key", self.folder / KEY)
        self.ops_port = 0  # nothing keeps that one free while the process is away
        self.flags = ("--drain", str(self.drain), *pair)
        super().launch()
