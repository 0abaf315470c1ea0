"""The command line of each server of the control plane."""

from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.components import Component
from tests.controlplane.ports import LOOPBACK


@dataclass(frozen=True)
class Options:
    """What a caller chooses about a control plane.

    Attributes:
        controllers: whether kube-controller-manager runs.
        emulated_version: the older Kubernetes whose APIs are served, such as "1.34".
        apiserver_args: further flags of kube-apiserver.
        address: where kube-apiserver listens, and what its certificate is for.
    """

    controllers: bool = True
    emulated_version: str | None = None
    apiserver_args: tuple[str, ...] = ()
    address: str = LOOPBACK


@dataclass(frozen=True)
class Files:
    """The files of one control plane, all in its folder."""

    folder: Path

    @property
    def etcd_data(self) -> Path:
        """Folder of etcd's data."""
        return self.folder / "etcd"

    @property
    def certificates(self) -> Path:
        """Folder in which kube-apiserver makes itself a CA and a certificate."""
        return self.folder / "certificates"

    @property
    def ca(self) -> Path:
        """PEM file that verifies kube-apiserver."""
        return self.certificates / "apiserver.crt"

    @property
    def service_account_key(self) -> Path:
        """Private key that signs ServiceAccount tokens."""
        return self.folder / "service-accounts.key"

    @property
    def tokens(self) -> Path:
        """Token file of kube-apiserver."""
        return self.folder / "tokens.csv"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "admin.kubeconfig"

    @property
    def audit_policy(self) -> Path:
        """What kube-apiserver writes into the audit log."""
        return self.folder / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        """The audit log, one JSON object per line."""
        return self.folder / "audit.log"


def etcd(component: Component, files: Files, port: int) -> list[str]:
    """Return the command line of a single etcd member that serves on `port`."""
    address = f"{LOOPBACK}:{port}"
    if not component.upstream:
        return [*component.command, f"--dir={files.etcd_data}", f"--addr={address}"]
    return [
        *component.command,
        f"--data-dir={files.etcd_data}",
        f"--listen-client-urls=http://{address}",
        f"--advertise-client-urls=http://{address}",
        f"--listen-peer-urls=http://{LOOPBACK}:0",
        "--unsafe-no-fsync=true",
        "--log-level=error",
    ]


def apiserver(
    component: Component, files: Files, port: int, etcd_port: int, options: Options
) -> list[str]:
    """Return the command line of kube-apiserver on `port`, with its data in etcd on `etcd_port`."""
    command = [
        *component.command,
        f"--etcd-servers=http://{LOOPBACK}:{etcd_port}",
        f"--bind-address={options.address}",
        f"--advertise-address={options.address}",
        f"--secure-port={port}",
        f"--cert-dir={files.certificates}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={files.service_account_key}",
        f"--service-account-signing-key-file={files.service_account_key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        f"--token-auth-file={files.tokens}",
        f"--audit-policy-file={files.audit_policy}",
        f"--audit-log-path={files.audit_log}",
        "--shutdown-watch-termination-grace-period=1s",  # or it waits a minute for the controllers
        "--allow-privileged=true",  # as every real cluster has it
        "--enable-aggregator-routing=true",  # a webhook's Service resolves to its endpoints
        "--endpoint-reconciler-type=none",  # an Endpoints object must not hold a loopback address
    ]
    if not options.controllers:
        # It refuses every Pod in a namespace whose `default` account no controller has made.
        command.append("--disable-admission-plugins=ServiceAccount")
    return [*command, *_emulation(options), *options.apiserver_args]


def controller_manager(component: Component, files: Files, options: Options) -> list[str]:
    """Return the command line of kube-controller-manager."""
    return [
        *component.command,
        f"--kubeconfig={files.kubeconfig}",
        f"--service-account-private-key-file={files.service_account_key}",
        f"--root-ca-file={files.ca}",
        "--use-service-account-credentials=false",
        "--leader-elect=false",
        "--secure-port=0",  # nobody asks it anything
        "--kube-api-qps=200",  # the default of 20 would be what a load test measures
        "--kube-api-burst=400",
        *_emulation(options),
    ]


def _emulation(options: Options) -> list[str]:
    version = options.emulated_version
    return [] if version is None else [f"--emulated-version=kube={version}"]
