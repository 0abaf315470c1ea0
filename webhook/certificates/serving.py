"""What connections are served with, replaced while they go on.

uvicorn gets one listening context that has no certificate. At each handshake its SNI callback hands
the connection over to the context of the newest good pair. A pair that does not load therefore
never touches what is being served (``load_cert_chain`` on a live context would leave it broken),
and connections that are open keep the context they began with.
"""

import contextlib
import datetime as dt
import os
import ssl
import tempfile
from collections.abc import Iterator

from cryptography import x509

from certs import bundle
from webhook.certificates import CertificateError
from webhook.telemetry.metrics import Metrics


class Serving:
    """The pair that new connections get; none at first.

    Args:
        metrics: Told when the pair in use expires.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._current: ssl.SSLContext | None = None
        self.certificate: x509.Certificate | None = None
        """The leaf in use."""
        self.intermediates: bundle.Bundle = ()
        """What comes with it."""
        self.context = _server_context()
        """What the server listens with."""
        self.context.sni_callback = self._hand_over

    def in_date(self, now: dt.datetime) -> bool:
        """Tell whether there is a leaf, and its time has come and is not over."""
        return self.certificate is not None and bundle.valid(self.certificate, now)

    def use(self, chain: bytes, key: bytes) -> None:
        """Serve another pair from the next handshake on.

        Args:
            chain: PEM, the leaf first and then its intermediates.
            key: PEM, the leaf's and unencrypted.

        Raises:
            CertificateError: They cannot be served, and everything stays as it is. The text says
                what is wrong, as the end of a sentence, and quotes nothing.
        """
        context = _server_context()
        with _as_file(chain + b"\n" + key) as path:
            try:
                # A password prompt would hang a process that has no terminal: an empty password
                # makes an encrypted key an error instead.
                context.load_cert_chain(path, password="")
            except ssl.SSLError as error:
                # OpenSSL's own text names its source files.
                reason = error.reason or "no PEM, or encrypted"
                raise CertificateError(reason.replace("_", " ").lower()) from None
        leaf, *intermediates = bundle.read(chain) or (None,)
        if leaf is None:
            raise CertificateError("no PEM certificate")
        self._current, self.certificate = context, leaf
        self.intermediates = tuple(each for each in intermediates if each is not None)
        expires = leaf.not_valid_after_utc.timestamp()
        self._metrics.certificate_not_after.labels("serving").set(expires)

    def _hand_over(
        self,
        connection: ssl.SSLObject | ssl.SSLSocket,
        _name: str | None,
        _listening: ssl.SSLContext,
    ) -> int | None:
        """Give a new connection the current pair; called with or without a name from the client."""
        if self._current is None:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        connection.context = self._current
        return None


def _server_context() -> ssl.SSLContext:
    """Make a context that takes what the API server may speak.

    Source:
        k8s.io/client-go transport/transport.go: TLS 1.2 and later.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Give bytes a path, since Python's ssl loads a private key from a path only.

    On Linux the file is in memory, so that the key touches no disk and a read-only root will do.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
    else:
        with tempfile.NamedTemporaryFile() as file:  # of mode 0600
            file.write(content)
            file.flush()
            yield file.name
