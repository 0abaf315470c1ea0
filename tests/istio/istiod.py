"""istiod as a child process."""

from collections.abc import Mapping
from pathlib import Path

from tests.controlplane.ports import LOOPBACK, free_port
from tests.controlplane.process import Child, PortTakenError, answers_ok
from tests.istio import binary


class Istiod:
    """One istiod on free loopback ports, with the rights of its ServiceAccount.

    Attributes:
        log_file: what it writes.
    """

    def __init__(
        self, folder: Path, kubeconfig: Path, revision: str, environment: Mapping[str, str]
    ) -> None:
        """Describe it; nothing runs yet.

        Args:
            folder: its working directory and where its log goes.
            kubeconfig: of its ServiceAccount.
            revision: the revision of Istio that it is.
            environment: environment variables that any program needs.
        """
        self.log_file = folder / "istiod.log"
        self._folder = folder
        self._kubeconfig = kubeconfig
        self._environment = {
            **environment,
            "CLUSTER_ID": "Kubernetes",
            "POD_NAME": "istiod",
            "POD_NAMESPACE": "istio-system",
            "REVISION": revision,
            # Where a webhook configuration of this revision lacks it, istiod fills the caBundle in.
            "INJECTION_WEBHOOK_CONFIG_NAME": "istio-sidecar-injector",
            # Its certificate is valid for this too, so that the API server needs no DNS.
            "ISTIOD_CUSTOM_HOST": LOOPBACK,
        }
        self._child: Child | None = None
        self._http_port = self._https_port = 0

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._child.pid if self._child and self._child.is_running() else None

    @property
    def url(self) -> str:
        """Where it injects."""
        return f"https://{LOOPBACK}:{self._https_port}/inject"

    @property
    def xds_address(self) -> str:
        """Where it tells proxies their configuration, without TLS."""
        return f"{LOOPBACK}:{self._http_port}"

    def start(self, timeout_seconds: float) -> None:
        """Start it, and wait until it says that it is ready.

        Args:
            timeout_seconds: how long that may take.

        Raises:
            ComponentMissingError: it has not been built.
            StartError: it ended or was not ready in time; shows the end of its log.
        """
        try:
            self._run(free_port(), free_port(), timeout_seconds)
        except PortTakenError:  # by somebody who was faster
            self.stop()
            self._run(free_port(), free_port(), timeout_seconds)

    def stop(self) -> None:
        """Stop it, by its pid; fine if it does not run."""
        if self._child:
            self._child.stop()
            self._child = None

    def _run(self, http_port: int, https_port: int, timeout_seconds: float) -> None:
        self._http_port, self._https_port = http_port, https_port
        command = [
            # Its configuration files have relative paths. In a folder without any of them it reads
            # the ConfigMaps instead, and goes on reading them.
            "env",
            f"--chdir={self._folder}",
            *binary.command("pilot-discovery"),
            "discovery",
            f"--kubeconfig={self._kubeconfig}",
            f"--httpAddr={LOOPBACK}:{http_port}",
            f"--httpsAddr={LOOPBACK}:{https_port}",
            "--grpcAddr=",  # on the port of HTTP
            "--monitoringAddr=",  # likewise
            "--secureGRPCAddr=",  # no proxy connects
            "--ctrlz_port=0",
            "--shutdownDuration=1s",
        ]
        self._child = Child("istiod", command, self.log_file, self._environment)
        ready = f"http://{LOOPBACK}:{http_port}/ready"
        self._child.wait_until_ready(lambda: answers_ok(ready), timeout_seconds)
