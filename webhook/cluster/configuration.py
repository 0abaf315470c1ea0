"""Where the API server is and who we are: a ServiceAccount in a cluster, or a kubeconfig."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from kubernetes.client.configuration import Configuration
from kubernetes.config import (
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)

from webhook.cluster import ConfigurationError

_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def load(kubeconfig: Path | None = None) -> Configuration:
    """Read the configuration as it is now.

    Args:
        kubeconfig: Read this file and nothing else. ``None``: the ServiceAccount of the pod that we
            run in, or else ``$KUBECONFIG``, or else ``~/.kube/config``.

    Raises:
        ConfigurationError: None of them can be used.
    """
    reasons = []
    for source, fill in _sources(kubeconfig):
        configuration = Configuration()
        try:
            fill(client_configuration=configuration)
        except Exception as error:  # noqa: BLE001  depends on how a file is no kubeconfig
            reasons.append(f"{source}: {' '.join(str(error).split()).rstrip('.')}")
        else:
            return configuration
    raise ConfigurationError(
        f"Cannot tell where the API server is ({'; '.join(reasons)}): run in a pod that has a "
        "ServiceAccount token, or name a kubeconfig with the variable KUBECONFIG."
    )


def namespace() -> str:
    """Tell which namespace is ours: the pod's, or the one that the kubeconfig's context names.

    Source:
        Kubernetes, "Accessing the Kubernetes API from a Pod".
    """
    try:
        return _POD_NAMESPACE.read_text().strip()
    except OSError:
        pass
    file = os.environ.get("KUBECONFIG")
    try:
        _, current = list_kube_config_contexts(config_file=file)  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001  depends on how a file is no kubeconfig; load() says it
        return "default"
    name: str = current["context"].get("namespace", "default")
    return name


def _sources(kubeconfig: Path | None) -> list[tuple[str, Callable[..., Any]]]:
    """List what to try, in order, and by which name an error calls it."""
    path = os.fspath(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")
    file = partial(load_kube_config, config_file=path, persist_config=False)
    sources: list[tuple[str, Callable[..., Any]]] = [(f"kubeconfig {path}", file)]
    if kubeconfig is None:
        sources.insert(0, ("ServiceAccount", load_incluster_config))
    return sources
