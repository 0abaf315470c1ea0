"""Looks for private keys where none may be."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.controlplane import ControlPlane
from tests.e2e.certificates.replica import Replica


class Leaks:
    """Remembers every private key that a Secret ever held, and every text that was published.

    Attributes:
        keys: in PEM.
        texts: what commands and ``/metrics`` said, by where it is from.
    """

    def __init__(self, plane: ControlPlane, replicas: Sequence[Replica]) -> None:
        self.keys: set[bytes] = set()
        self.texts: dict[str, str] = {}
        self._plane = plane
        self._replicas = replicas

    def note(self, data: Mapping[str, bytes]) -> None:
        """Remember the keys among a Secret's data; what a test has damaged is none."""
        self.keys.update(
            value for value in data.values() if value.endswith(b"-----END PRIVATE KEY-----\n")
        )

    def gather(self) -> None:
        """Remember the metrics of all replicas that still run."""
        for replica in self._replicas:
            if replica.running:
                metrics = replica.ops("/metrics").data.decode()
                self.texts[f"metrics of {replica.port}"] = metrics

    def check(self) -> None:
        """Look through all texts, all logs and the audit log, and for files of the service."""
        assert self.keys
        assert self._readable(), "a check that reads nothing finds nothing"
        assert not [*found(self.keys, self._readable())]
        for replica in self._replicas:
            assert not [*replica.writable.iterdir()]

    def _readable(self) -> dict[str, bytes]:
        """Read everything that somebody may read who must not know a key."""
        folder = self._plane.audit_log.parent
        files = [*folder.glob("*.log"), *(replica.log for replica in self._replicas)]
        assert self._plane.audit_log in files
        texts = {place: text.encode() for place, text in self.texts.items()}
        return texts | {str(path): path.read_bytes() for path in files}


def found(keys: Iterable[bytes], texts: Mapping[str, bytes]) -> Iterator[str]:
    """Name the texts that hold a key, in whatever form; never the key."""
    needles = [needle for key in keys for needle in forms(key)]
    for place, text in texts.items():
        if any(needle in text for needle in needles):
            yield place


def forms(pem: bytes) -> list[bytes]:
    """Write a private key in all the ways that a careless program might.

    Lines of its PEM; that PEM in base64, as a Secret has it; the secret number itself in
    hexadecimal, decimal, base64 and raw.
    """
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    number = key.private_numbers().private_value
    raw = number.to_bytes(32)
    lines = [line for line in pem.splitlines() if line and not line.startswith(b"-----")]
    encoded = base64.b64encode(pem)
    return [
        *lines,
        encoded[40:],
        raw,
        base64.b64encode(raw).rstrip(b"="),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        str(number).encode(),
    ]
