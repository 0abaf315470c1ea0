"""Where the API server is and who we are: a ServiceAccount in a cluster, or a kubeconfig."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes.client.configuration import Configuration
from kubernetes.config import load_incluster_config, load_kube_config

from webhook.cluster import ConfigurationError


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


def _sources(kubeconfig: Path | None) -> list[tuple[str, Callable[..., Any]]]:
    """List what to try, in order, and by which name an error calls it."""
    path = os.fspath(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")
    file = partial(load_kube_config, config_file=path, persist_config=False)
    sources: list[tuple[str, Callable[..., Any]]] = [(f"kubeconfig {path}", file)]
    if kubeconfig is None:
        sources.insert(0, ("ServiceAccount", load_incluster_config))
    return sources
