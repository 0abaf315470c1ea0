"""Who may call: clients that hold a certificate of an authority that was named, and of a name."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final

import structlog
from cryptography.hazmat.primitives.serialization import Encoding

from certs import bundle
from webhook.certificates import CertificateError
from webhook.settings import ClientCertificates
from webhook.telemetry.metrics import Metrics

_POLL: Final = 2.0
"""Seconds between looks at the file, as at those of the serving certificate."""

_NAMES: Final = frozenset({"DNS", "URI", "IP Address", "email"})
"""What a subjectAltName holds that can be a caller's name."""

_log = structlog.get_logger(__name__)


class WrongNameError(ssl.SSLCertVerificationError):
    """A client's certificate is of the right authority and for somebody else."""


class Clients:
    """The authorities and names of the callers, kept current.

    Args:
        chosen: What was chosen.
        metrics: Told of every reload, and what becomes of it.

    Raises:
        CertificateError: The file holds no authority to start with.
    """

    def __init__(self, chosen: ClientCertificates, metrics: Metrics) -> None:
        self._chosen = chosen
        self._reloads = metrics.certificate_reloads
        self._connection = _connection(chosen.names)
        self._complaint = ""
        self._authorities = self._load()
        self.on_change: Callable[[], None] = lambda: None
        """Called when there are other authorities."""

    def demand(self, context: ssl.SSLContext) -> None:
        """Let a context demand a client's certificate at each handshake.

        A certificate that was named is trusted whether it is a root or not, as Go has it.

        Source:
            k8s.io/apiserver pkg/authentication/request/x509: so does ``--requestheader-client-ca``.
        """
        der = b"".join(each.public_bytes(Encoding.DER) for each in self._authorities)
        context.load_verify_locations(cadata=der)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.sslobject_class = self._connection

    async def run(self) -> None:
        """Look at the file until cancelled."""
        while True:
            await asyncio.sleep(_POLL)
            self.reload()

    def reload(self) -> None:
        """Take the authorities that are in the file now, if it holds any.

        Otherwise everything stays as it is; a bad file is complained about once.
        """
        try:
            authorities = self._load()
        except CertificateError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                self._reloads.labels("failure").inc()
                _log.error("client-authorities-not-reloaded", why=self._complaint)
            return
        self._complaint = ""
        if authorities != self._authorities:
            self._authorities = authorities
            self.on_change()
            self._reloads.labels("success").inc()
            _log.info("client-authorities-reloaded", fingerprints=_fingerprints(authorities))

    def _load(self) -> bundle.Bundle:
        """Read the file."""
        file = self._chosen.authorities
        why = "there is no certificate in it"
        try:
            authorities = bundle.read(file.read_bytes())
        except OSError as error:
            why, authorities = str(error.strerror), ()
        if not authorities:
            raise CertificateError(
                f"{file} cannot tell who may call: {why}. Put the PEM certificate there of the "
                "authority that issued the API server's client certificate."
            )
        return authorities


def _connection(names: frozenset[str]) -> type[ssl.SSLObject]:
    """Make the class of connections whose client has one of these names; none: any name will do.

    Asked as soon as the handshake is over, and as part of it: nothing that such a client sends is
    ever read.
    """

    class Connection(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            found = _names(self.getpeercert() or {})
            if names and not names & found:
                shown = ", ".join(sorted(found)) or "nobody"
                raise WrongNameError(ssl.SSL_ERROR_SSL, f"its certificate is for {shown}")

    return Connection


def _names(certificate: dict[str, Any]) -> frozenset[str]:
    """Tell for whom a certificate is: common name and alternative names."""
    subject = (pair for part in certificate.get("subject", ()) for pair in part)
    common = (value for key, value in subject if key == "commonName")
    alternative = (v for kind, v in certificate.get("subjectAltName", ()) if kind in _NAMES)
    return frozenset((*common, *alternative))


def _fingerprints(authorities: bundle.Bundle) -> list[str]:
    return [bundle.fingerprint(each) for each in authorities]
