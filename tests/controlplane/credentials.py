"""Keys, tokens and kubeconfigs in files."""

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def write_service_account_key(path: Path) -> None:
    """Write a new private key that signs ServiceAccount tokens.

    Args:
        path: the PEM file to write.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    _write_private(path, pem)


def write_admin_token(path: Path, token: str) -> None:
    """Write a token file for kube-apiserver with one user, a cluster admin.

    Args:
        path: the file to write.
        token: the user's bearer token.
    """
    _write_private(path, f'{token},admin,admin,"system:masters"\n'.encode())


def write_kubeconfig(path: Path, server: str, ca_file: Path, token: str, namespace: str) -> None:
    """Write a kubeconfig that needs no other file. JSON is YAML too.

    Args:
        path: the file to write.
        server: URL of the API server.
        ca_file: PEM file that verifies the server.
        token: bearer token of the user.
        namespace: the namespace to work in by default.
    """
    cluster = {
        "server": server,
        "certificate-authority-data": base64.b64encode(ca_file.read_bytes()).decode(),
    }
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [
            {"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}
        ],
        "current-context": "test",
    }
    _write_private(path, json.dumps(kubeconfig, indent=2).encode())


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
