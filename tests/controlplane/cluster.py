"""ControlPlane: a Kubernetes control plane that runs as long as a test needs it."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests import kubeconfig
from tests.controlplane import audit, components, credentials, kubectl
from tests.controlplane.api import ApiClient, JsonObject
from tests.controlplane.commandlines import Files, Options
from tests.controlplane.components import ComponentName
from tests.controlplane.ports import LOOPBACK
from tests.controlplane.servers import Servers
from tests.waiting import wait_for


class ControlPlane:
    """Etcd, API server and controllers, from `start` to `stop` or in a `with` block.

    They listen on free ports, all but the API server always on loopback. All they write is in one
    folder: data, credentials, and one log per server, such as kube-apiserver.log.

    Attributes:
        api: HTTP access as a cluster admin, whose `request`, `get` and `find` are here too.
        admin_token: that admin's bearer token (group system:masters).
        kubeconfig: path of that admin's kubeconfig.
        ca_file: path of the PEM file that verifies the API server.
        audit_log: path of the audit log; see `audit_events`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        controllers: bool = True,
        emulated_version: str | None = None,
        apiserver_args: Sequence[str] = (),
        address: str = LOOPBACK,
        start_timeout_seconds: float = 60.0,
    ) -> None:
        """Describe a control plane and find its binaries; nothing runs yet.

        Args:
            folder: where its files go; made if need be. Data of an earlier run there is used again.
            controllers: whether kube-controller-manager runs, which turns Deployments into Pods.
            emulated_version: the older Kubernetes whose APIs are served, such as "1.34".
            apiserver_args: further flags of kube-apiserver.
            address: where kube-apiserver listens; another one than loopback for clients in other
                network namespaces. The folder's certificate is for the address of its first run.
            start_timeout_seconds: how long each server may take to become ready.

        Raises:
            components.ComponentMissingError: a binary is nowhere; the message says what to do.
        """
        self._files = Files(folder.resolve())
        self.kubeconfig = self._files.kubeconfig
        self.ca_file = self._files.ca
        self.audit_log = self._files.audit_log
        self.admin_token = secrets.token_urlsafe()
        # Nothing else of the user's environment: no proxy, no kubeconfig, no home.
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._files.folder),
            "KUBECONFIG": str(self.kubeconfig),
        }
        self.api = ApiClient("", self.ca_file, self.admin_token)
        self.request, self.get, self.find = self.api.request, self.api.get, self.api.find
        options = Options(controllers, emulated_version, tuple(apiserver_args), address)
        self._servers = Servers(
            self._files, options, self.api, self._environment, start_timeout_seconds
        )
        self._controllers = controllers

    def __enter__(self) -> Self:
        """Start; see `start`."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; see `stop`."""
        self.stop()

    @property
    def server(self) -> str:
        """URL of the API server."""
        return self.api.server

    @property
    def pids(self) -> dict[ComponentName, int]:
        """Process ids of the servers that run."""
        return self._servers.pids()

    def start(self) -> None:
        """Start the servers and wait until they are ready; if that fails, stop what was started.

        Raises:
            process.StartError: a server ended or was not ready in time; shows the end of its log.
        """
        self._write_files()
        try:
            self._servers.start_etcd()
            self._servers.start_apiserver()
            self._write_kubeconfig(self.kubeconfig, self.admin_token, "default")
            if self._controllers:
                self._servers.start_controller_manager()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all servers; fine if none runs. The files stay."""
        self.api.close()
        self._servers.stop()

    def stop_apiserver(self) -> None:
        """Stop kube-apiserver only; fine if it does not run."""
        self._servers.stop_one("kube-apiserver")

    def start_apiserver(self) -> None:
        """Start kube-apiserver again on its port, with its data, and wait until it is ready.

        Who watches the API, the controllers too, comes back some time later: wait for effects.

        Raises:
            process.StartError: it ended or was not ready in time.
        """
        self._servers.start_apiserver()

    def kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        namespace: str | None = None,
        check: bool = True,
        timeout_seconds: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the admin; its home and caches are in the folder.

        Args:
            args: what to do, such as "apply", "-f", "-".
            input: text on its standard input.
            namespace: the namespace to work in; None for default.
            check: whether a code other than 0 is an error.
            timeout_seconds: how long it may take.

        Raises:
            components.ComponentMissingError: there is no kubectl.
            subprocess.CalledProcessError: it failed; shows what it wrote to standard error.
            subprocess.TimeoutExpired: it did not end in time.
        """
        return kubectl.run(
            components.find("kubectl"),
            args if namespace is None else (f"--namespace={namespace}", *args),
            environment=self._environment,
            stdin=input,
            timeout_seconds=timeout_seconds,
            check=check,
        )

    def kubeconfig_for(
        self, service_account: str, namespace: str = "default", *, lifetime_seconds: int = 3600
    ) -> Path:
        """Write a kubeconfig with a new token of a ServiceAccount, and so with its rights only.

        Args:
            service_account: its name.
            namespace: its namespace, also the one to work in by default.
            lifetime_seconds: how long the token is valid, 600 at least.

        Raises:
            api.ApiError: there is no such ServiceAccount.
        """
        token = self.api.service_account_token(
            service_account, namespace, lifetime_seconds=lifetime_seconds
        )
        path = self._files.folder / f"{namespace}.{service_account}.kubeconfig"
        self._write_kubeconfig(path, token, namespace)
        return path

    def audit_events(self, naming: str = "") -> Iterator[JsonObject]:
        """Yield the audit events so far, oldest first; the newest may be a moment late.

        Args:
            naming: text that stands in each wanted event, such as the name of a namespace.
        """
        return audit.read_events(self.audit_log, naming)

    wait_for = staticmethod(wait_for)

    def _write_files(self) -> None:
        self._files.folder.mkdir(parents=True, exist_ok=True)
        if not self._files.service_account_key.exists():
            credentials.write_service_account_key(self._files.service_account_key)
        credentials.write_admin_token(self._files.tokens, self.admin_token)
        self._files.audit_policy.write_text(json.dumps(audit.POLICY), encoding="utf-8")

    def _write_kubeconfig(self, path: Path, token: str, namespace: str) -> None:
        kubeconfig.write(path, self.server, {"token": token}, self.ca_file.read_bytes(), namespace)
