"""Asks every replica for its certificate all the time, as an API server that calls anew would."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections import defaultdict
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tests.controlplane.ports import LOOPBACK
from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.replica import Replica
from tests.e2e.conftest import DEADLINE

_PAUSE = 0.05


class Prober:
    """Shakes hands with each replica directly, from the beginning of a `with` block to its end.

    The leaf that a handshake shows has to be verified by the caBundle of every entry that was
    published before it, or else by the one that is published after it: which of the two the API
    server had at that moment, nobody knows.

    Attributes:
        handshakes: how many.
        refused: those that neither bundle verified, in words.
        leaves: fingerprints of the leaves seen, by replica.
        issuers: their issuers' names, by replica, in the order in which they were first seen.
        authorities: most that were in one bundle.
    """

    def __init__(self, deployment: Deployment) -> None:
        """Describe it; nothing is sent yet."""
        self.handshakes = 0
        self.refused: list[str] = []
        self.leaves: dict[int, set[str]] = defaultdict(set)
        self.issuers: dict[int, list[str]] = defaultdict(list)
        self.authorities = 0
        self._deployment = deployment
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="prober")

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ask nothing more; raises what went wrong in the meantime, other than a handshake."""
        self._ended.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._ended.wait(_PAUSE):
                self._deployment.secret()  # notes the keys
                for number, replica in enumerate(self._deployment.replicas):
                    if replica.running:
                        self._probe(number, replica)
        except Exception as error:  # noqa: BLE001  raised at the end of the block
            self._error = error

    def _probe(self, number: int, replica: Replica) -> None:
        """Shake hands once."""
        before = self._deployment.published()
        self.authorities = max(self.authorities, *map(_count, before))
        # A busy machine may let this thread wait until the leaf that it was shown has expired.
        began = dt.datetime.now(dt.UTC)
        try:
            leaf = shown(replica.port)
        except OSError as error:
            if replica.running:
                self._refuse(number, f"no handshake: {error}")
            return
        self.handshakes += 1
        self.leaves[number].add(leaf.fingerprint(hashes.SHA256()).hex())
        issuer = leaf.issuer.rfc4514_string()
        if issuer not in self.issuers[number]:
            self.issuers[number].append(issuer)
        if all(verifies(pem, leaf, began) for pem in before):
            return
        after = self._deployment.published()
        for entry, pems in enumerate(zip(before, after, strict=True)):
            if not any(verifies(pem, leaf, began) for pem in pems):
                self._refuse(number, f"entry {entry} does not trust {issuer}")

    def _refuse(self, number: int, why: str) -> None:
        self.refused.append(f"{time.monotonic() - self._began:.2f} s, replica {number}: {why}")


def shown(port: int) -> x509.Certificate:
    """Make a TLS connection and return the leaf whose key the other side has proven to have."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what verifies it was published before, or is after
    with (
        socket.create_connection((LOOPBACK, port), timeout=DEADLINE) as plain,
        context.wrap_socket(plain) as connection,
    ):
        der = connection.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def verifies(pem: bytes, leaf: x509.Certificate, at: dt.datetime | None = None) -> bool:
    """Tell whether a client that has a bundle accepts a leaf, by RFC 5280 and for loopback.

    Args:
        pem: The bundle.
        leaf: What the other side has shown.
        at: When; now by default.
    """
    try:
        store = Store(x509.load_pem_x509_certificates(pem))
        policy = PolicyBuilder().store(store).time(at or dt.datetime.now(dt.UTC))
        address = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
        policy.build_server_verifier(address).verify(leaf, [])
    except (ValueError, VerificationError):
        return False
    return True


def _count(pem: bytes) -> int:
    return pem.count(b"-----BEGIN CERTIFICATE-----")
