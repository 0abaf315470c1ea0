"""Kubeconfigs for the API server on loopback."""

import json
from pathlib import Path


def write(path: Path, url: str, user: dict[str, str], ca: Path | None = None) -> Path:
    """Write a kubeconfig."""
    cluster = {"server": url} | ({"certificate-authority": str(ca)} if ca else {})
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": cluster}],
        "users": [{"name": "x", "user": user}],
    }
    path.write_text(json.dumps(content))
    return path
