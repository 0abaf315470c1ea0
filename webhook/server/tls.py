"""The serving certificate: read from files, replaced while connections go on.

uvicorn gets one listening context that has no certificate. At each handshake its SNI callback hands
the connection over to the context of the newest good pair. A pair that does not load therefore
never touches what is being served (``load_cert_chain`` on a live context would leave it broken),
and connections that are open keep the context they began with.
"""

import asyncio
import hashlib
import ssl
import time
from pathlib import Path

import structlog
from cryptography import x509

from webhook.settings import CertificateFiles
from webhook.telemetry.metrics import Metrics

_POLL = 2.0
"""Seconds between looks at the files. Polled, because a mounted Secret sends no file events that
could be relied upon, and read as a whole, because its times and sizes need not change."""

_log = structlog.get_logger(__name__)


class CertificateError(Exception):
    """The files are no pair that could be served; the text is one sentence for a person."""


class ServingCertificate:
    """The certificate that new connections get.

    Args:
        files: Where the pair is kept.
        metrics: Told when the pair in use expires, and of every reload.

    Raises:
        CertificateError: There is no good pair to start with.
    """

    def __init__(self, files: CertificateFiles, metrics: Metrics) -> None:
        self._files = files
        self._metrics = metrics
        self._seen = ""
        self._complaint = ""
        self._current: ssl.SSLContext
        self.context = _server_context()
        """What the server listens with."""
        self.context.sni_callback = self._hand_over
        self._load()

    async def run(self) -> None:
        """Look at the files until cancelled, and serve what changed."""
        while True:
            await asyncio.sleep(_POLL)
            self.reload()

    def reload(self) -> None:
        """Serve the pair that is in the files now, if it is another one and is good.

        Otherwise everything stays as it is; a bad pair is complained about once.
        """
        try:
            changed = self._load()
        except CertificateError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                self._metrics.certificate_reloads.labels("failure").inc()
                _log.error("certificate-not-reloaded", why=self._complaint)
            return
        self._complaint = ""
        if changed:
            self._metrics.certificate_reloads.labels("success").inc()
            _log.info("certificate-reloaded", fingerprint=self._seen[:16])

    def _load(self) -> bool:
        """Take the pair from the files into use; tell whether it is another one than before."""
        try:
            certificate, key = _one_version(self._files)
            pem = certificate.read_bytes()
            digest = hashlib.sha256(pem + key.read_bytes()).hexdigest()
            if digest == self._seen:
                return False
            context = _server_context()
            # A password prompt would hang a process that has no terminal: an empty password makes
            # an encrypted key an error instead.
            context.load_cert_chain(certificate, key, password="")
            expires = x509.load_pem_x509_certificate(pem).not_valid_after_utc
        except (OSError, ValueError) as error:
            raise CertificateError(
                f"{self._files.certificate} and {self._files.key} cannot be served: "
                f"{_cause(error)}. Put a PEM certificate and its own unencrypted key there."
            ) from error
        self._current, self._seen = context, digest
        self._metrics.certificate_not_after.labels("serving").set(expires.timestamp())
        if expires.timestamp() < time.time():
            _log.error("certificate-expired", file=str(self._files.certificate), since=expires)
        return True

    def _hand_over(
        self,
        connection: ssl.SSLObject | ssl.SSLSocket,
        _name: str | None,
        _listening: ssl.SSLContext,
    ) -> None:
        """Give a new connection the current pair; called with or without a name from the client."""
        connection.context = self._current


def _server_context() -> ssl.SSLContext:
    """Make a context that takes what the API server may speak.

    Source:
        k8s.io/client-go transport/transport.go: TLS 1.2 and later.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _one_version(files: CertificateFiles) -> tuple[Path, Path]:
    """Find certificate and key of the same version.

    A mounted Secret is a folder of links through ``..data``, which kubelet swaps as a whole: paths
    that are resolved one by one could belong to two certificates, so the folder is resolved once.

    Source:
        k8s.io/kubernetes pkg/volume/util/atomic_writer.go.
    """
    folder = files.certificate.parent
    swapped = folder / "..data"
    if files.key.parent != folder or not swapped.exists():
        return files.certificate, files.key
    version = swapped.resolve(strict=True)
    return version / files.certificate.name, version / files.key.name


def _cause(error: Exception) -> str:
    """Say what was wrong in words; OpenSSL's own text names its source files."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM, or encrypted").replace("_", " ").lower()
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
