"""The certificate that all servers have: ECDSA P-256, for loopback."""

import datetime as dt
import ssl
from pathlib import Path
from typing import Final

from certs.authority import Authority
from tests.controlplane.ports import LOOPBACK

_LIFETIME: Final = dt.timedelta(days=1)


def write(folder: Path) -> None:
    """Make ``ca.crt``, ``tls.crt`` and ``tls.key``, named as the keys of a Secret are.

    Args:
        folder: Where; it is made.
    """
    folder.mkdir()
    now = dt.datetime.now(dt.UTC)
    authority = Authority.create("benchmarks", now=now, lifetime=_LIFETIME)
    leaf = authority.issue([LOOPBACK, "localhost"], now=now, lifetime=_LIFETIME)
    (folder / "ca.crt").write_bytes(authority.certificate_pem)
    (folder / "tls.crt").write_bytes(leaf.certificate_pem)
    key = folder / "tls.key"
    key.touch(mode=0o600)
    key.write_bytes(leaf.key_pem)


def trusted(folder: Path) -> ssl.SSLContext:
    """Make a client's context that trusts the authority of a folder."""
    return ssl.create_default_context(cafile=folder / "ca.crt")
