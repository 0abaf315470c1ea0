"""Kubeconfigs: of a cluster, a user and a namespace, readable by their owner alone."""

import base64
import json
from pathlib import Path


def write(
    path: Path,
    server: str,
    user: dict[str, str],
    ca: Path | bytes | None = None,
    namespace: str | None = None,
) -> Path:
    """Write a kubeconfig and return its path. JSON is YAML too.

    Args:
        path: The file to write.
        server: URL of the API server.
        user: What a user may have in a kubeconfig, such as ``{"token": "x"}``.
        ca: What verifies the server: a PEM file to name, or PEM to hold; ``None``: nothing, for a
            server without TLS.
        namespace: The namespace to work in by default.
    """
    cluster = {"server": server}
    if isinstance(ca, Path):
        cluster["certificate-authority"] = str(ca)
    elif ca is not None:
        cluster["certificate-authority-data"] = base64.b64encode(ca).decode()
    context = {"cluster": "test", "user": "test"}
    if namespace is not None:
        context["namespace"] = namespace
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": context}],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2))
    return path
