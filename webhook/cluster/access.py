"""Which cluster is meant, and who we are there: a pod's ServiceAccount, or kubeconfig and flags.

The flags are kubectl's own. Kubeconfigs are read by the official Python client, which knows every
way of theirs to say whom to trust and how to log in. It is imported when there is one to read, and
not before: with what it brings along it takes 10 MiB and 0.2 s of a start, and a pod
tells address and credentials in two variables and two files.

Source:
    Kubernetes, kubectl reference, options; Kubernetes, Authenticating, "User impersonation";
    Kubernetes, "Accessing the Kubernetes API from a Pod"; client-go rest/config.go,
    InClusterConfig.
"""

import contextlib
import dataclasses
import os
import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies_environment

from urllib3 import PoolManager
from urllib3.connection import HTTPConnection

from webhook.cluster import ConfigurationError, answers
from webhook.cluster.client import Client
from webhook.cluster.transport import Endpoint

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration

_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where kubelet mounts ``token``, ``ca.crt`` and ``namespace``."""
_CONNECTIONS: Final = 16
"""Connections kept for a next request: more than parts of ours ever ask at the same time."""
_NO_KUBECONFIG: Final = (AttributeError, KeyError, TypeError)
"""What the official client (37.0.2) raises where a file has YAML of another form."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach an API server; by default as kubectl does, in a pod as its ServiceAccount."""

    kubeconfig: Path | None = None
    """The file to read; ``None``: ``$KUBECONFIG``, or else ``~/.kube/config``."""

    context: str | None = None
    """The context of that file; ``None``: its current one."""

    user: str | None = None
    """Whom to impersonate; ``None``: nobody."""

    groups: tuple[str, ...] = ()
    """The groups of that user, besides those that every user is in."""

    def connect(self) -> Client:
        """Make a client; nothing is opened before its first request.

        Raises:
            ConfigurationError: Nothing tells where the API server is, or who we are.
        """
        for name in filter(None, (self.user, *self.groups)):
            if not (name.isascii() and name.isprintable()):
                raise ConfigurationError(
                    f"Nobody can be {name!a}: names of users and groups are sent as ASCII, "
                    "without control characters."
                )
        user = [] if self.user is None else [("Impersonate-User", self.user)]
        groups = [("Impersonate-Group", group) for group in self.groups]
        return Client(partial(load, self.kubeconfig, self.context), (*user, *groups))


def load(kubeconfig: Path | None = None, context: str | None = None) -> Endpoint:
    """Read address and credentials as they are now.

    Args:
        kubeconfig: Read this file and nothing else. ``None``: the ServiceAccount of the pod that we
            run in, or else ``$KUBECONFIG``, or else ``~/.kube/config``.
        context: The context of the kubeconfig to use; a ServiceAccount has none, and is not tried
            where one is named. ``None``: the current one.

    Raises:
        ConfigurationError: None of them can be used.
    """
    reasons = []
    for source, read in _sources(kubeconfig, context):
        try:
            return read()
        except _NO_KUBECONFIG:  # whose words are of Python, and not of the file
            reasons.append(f"{source}: it is no kubeconfig")
        except Exception as error:  # noqa: BLE001  depends on how a file is no kubeconfig
            reasons.append(f"{source}: {answers.one_line(error).rstrip('.')}")
    advice = (
        "run in a pod that has a ServiceAccount token, or name a kubeconfig with the variable "
        "KUBECONFIG"
        if kubeconfig is None and context is None
        else "name another kubeconfig (--kubeconfig) or another context of it (--context)"
    )
    raise ConfigurationError(
        f"Cannot tell where the API server is ({'; '.join(reasons)}): {advice}."
    )


def own_namespace(kubeconfig: Path | None = None, context: str | None = None) -> str:
    """Tell which namespace is ours: the pod's, or the one that the kubeconfig's context names.

    Args:
        kubeconfig: As :func:`load` takes it.
        context: Likewise; where either is given, the pod's namespace is not asked for.

    Returns:
        The name; ``default`` where nothing names one.
    """
    if kubeconfig is None and context is None:
        with contextlib.suppress(OSError):
            return (_SERVICE_ACCOUNT / "namespace").read_text().strip()
    from kubernetes.config import list_kube_config_contexts  # noqa: PLC0415

    path = _path(kubeconfig)
    try:
        every, chosen = list_kube_config_contexts(config_file=path)  # type: ignore[no-untyped-call]
        if context is not None:
            chosen = {each["name"]: each for each in every}[context]
        name: str = chosen["context"].get("namespace", "default")
    except Exception:  # noqa: BLE001  depends on how a file is no kubeconfig; loading says it
        return "default"
    return name


def _path(kubeconfig: Path | None) -> str:
    """Say which file is read, or which files, where ``KUBECONFIG`` names several."""
    return os.fspath(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")


def _sources(
    kubeconfig: Path | None, context: str | None
) -> list[tuple[str, Callable[[], Endpoint]]]:
    """List what to try, in order, and by which name an error calls it."""
    path = _path(kubeconfig)
    sources = [(f"kubeconfig {path}", partial(_of_kubeconfig, path, context))]
    if kubeconfig is None and context is None:
        return [("ServiceAccount", _of_pod), *sources]
    return [*sources]


def _of_pod() -> Endpoint:
    """Read what kubelet gives to every pod.

    Raises:
        ConfigurationError: This is no pod, or none that may speak to the API server.
        OSError: A file is not there.
    """
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
    if not host or not port:
        raise ConfigurationError("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    token, authority = _SERVICE_ACCOUNT / "token", _SERVICE_ACCOUNT / "ca.crt"

    def authorization() -> Mapping[str, str]:
        # From the file each time, where kubelet replaces it: it is in memory, and requests are few.
        return {"Authorization": f"Bearer {token.read_text().strip()}"}

    authorization()
    if not authority.read_bytes():
        raise ConfigurationError(f"{authority} is empty")
    url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    return Endpoint(host=url, pool=_pool(url, authority), authorization=authorization)


def _pool(url: str, authority: Path) -> PoolManager:
    """Make the connections of a pod."""
    if getproxies_environment().keys() - {"no"}:  # which hosts need none is a science, not ours
        from kubernetes.client.configuration import Configuration  # noqa: PLC0415

        return _official(Configuration(host=url, ssl_ca_cert=str(authority)))
    # As client-go does it: first asked after 30 s of silence, and given up after 9 times 15 s. So
    # a watch whose peer is gone does not depend on its timeout alone.
    keep_alive = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 9),
    ]
    return PoolManager(
        ca_certs=str(authority),
        maxsize=_CONNECTIONS,
        socket_options=[*HTTPConnection.default_socket_options, *keep_alive],
    )


def _of_kubeconfig(path: str, context: str | None) -> Endpoint:
    """Read a kubeconfig.

    Raises:
        Exception: It cannot be used.
    """
    from kubernetes.client.configuration import Configuration  # noqa: PLC0415
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415

    read = Configuration()
    # persist_config: by default the client writes refreshed tokens into the user's file (37.0.2).
    load_kube_config(  # type: ignore[no-untyped-call]
        config_file=path, context=context, client_configuration=read, persist_config=False
    )

    def authorization() -> Mapping[str, str]:
        try:  # calls the hook that gets a new token where the old one is expired
            settings: Any = read.auth_settings().get("BearerToken")
        except ConfigException as error:
            raise ConfigurationError(answers.one_line(error)) from error
        return {"Authorization": settings["value"]} if settings else {}

    return Endpoint(host=read.host, pool=_official(read), authorization=authorization)


def _official(configuration: "Configuration") -> PoolManager:
    """Make connections as the official client does (37.0.2), proxies included."""
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415

    configuration.keep_alive = True
    pool: PoolManager = RESTClientObject(configuration).pool_manager
    return pool
