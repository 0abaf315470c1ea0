"""What connections are served with, replaced while they go on.

The server gets one listening context that has no certificate. Each connection that it begins is one
of the context of the newest good pair instead. A pair that does not load therefore never touches
what is being served (``load_cert_chain`` on a live context would leave it broken), and connections
that are open keep the context they began with.

Not by an SNI callback: Python prints a traceback for every server name that is not ASCII, before it
would call ours, and OpenSSL would go on with the first context's demands on clients.
"""

import contextlib
import datetime as dt
import os
import ssl
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from cryptography import x509

from certs import bundle
from webhook.certificates import CertificateError
from webhook.certificates.clients import Clients
from webhook.telemetry.metrics import Metrics

_OLDEST = ssl.TLSVersion.TLSv1_2
"""What the API server may speak (k8s.io/client-go transport/transport.go)."""


class Serving:
    """The pair that new connections get; none at first.

    Args:
        metrics: Told when the pair in use expires.
        clients: Who may connect; ``None``: anybody.
    """

    def __init__(self, metrics: Metrics, clients: Clients | None = None) -> None:
        self._metrics = metrics
        self._clients = clients
        self._pair: tuple[bytes, bytes] | None = None
        self._changing = threading.Lock()
        self.certificate: x509.Certificate | None = None
        """The leaf in use."""
        self.intermediates: bundle.Bundle = ()
        """What comes with it."""
        self.context = _Listening(ssl.PROTOCOL_TLS_SERVER)
        """What the server listens with."""
        if clients is not None:
            clients.on_change = self._ask_other_clients

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
        with self._changing:
            context = self._made(chain, key)
            leaf, *intermediates = bundle.read(chain) or (None,)
            if leaf is None:
                raise CertificateError("no PEM certificate")
            self._pair = chain, key
            self.context.current, self.certificate = context, leaf
            self.intermediates = tuple(each for each in intermediates if each is not None)
        expires = leaf.not_valid_after_utc.timestamp()
        self._metrics.certificate_not_after.labels("serving").set(expires)

    def _ask_other_clients(self) -> None:
        """Serve the same pair to the clients of other authorities."""
        with self._changing:
            if self._pair is not None:
                self.context.current = self._made(*self._pair)

    def _made(self, chain: bytes, key: bytes) -> ssl.SSLContext:
        """Make the context of a pair."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _OLDEST
        with _as_file(chain + b"\n" + key) as path:
            try:
                # A password prompt would hang a process that has no terminal: an empty password
                # makes an encrypted key an error instead.
                context.load_cert_chain(path, password="")
            except ssl.SSLError as error:
                # OpenSSL's own text names its source files.
                reason = error.reason or "no PEM, or encrypted"
                raise CertificateError(reason.replace("_", " ").lower()) from None
        if self._clients is not None:
            self._clients.demand(context)
        return context


class _Listening(ssl.SSLContext):
    """A context whose connections are another one's."""

    current: ssl.SSLContext | None = None
    """Whose; while there is none, this one finds that it shares no cipher with anybody."""

    def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:
        """Begin a connection, as the event loop does for each that it accepts."""
        if self.current is None:
            return super().wrap_bio(*args, **named)
        return self.current.wrap_bio(*args, **named)


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
