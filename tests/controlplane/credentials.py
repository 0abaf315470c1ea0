"""Keys and tokens in files; ``tests/kubeconfig.py`` writes kubeconfigs."""

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


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
