"""What connections are served with, replaced while they go on, and which clients may connect.

The server gets one listening context that has no certificate. Each connection is begun with the
context of the newest good pair instead. A pair that does not load therefore never touches what is
being served (``load_cert_chain`` on a live context would leave it broken), and connections that are
open keep the context they began with. Where only some clients may connect, each of these contexts
requires a client's certificate as well.

Not by an SNI callback: Python prints a traceback for every server name that is not ASCII, before it
would call ours (seen with Python 3.11), and OpenSSL would go on with the first context's demands on
clients.
"""

import asyncio
import contextlib
import datetime as dt
import os
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs import bundle
from webhook.certificates import CertificateError
from webhook.metrics import Metrics
from webhook.settings import ClientCertificates

NO_CLIENT_CERTIFICATE: Final = "PEER_DID_NOT_RETURN_A_CERTIFICATE"
"""OpenSSL's reason, as Python's ssl spells it, where a client's certificate is required and the
client has none."""
_POLL: Final = 2.0
"""Seconds between looks at the file of the clients' authorities."""
_NAME_KINDS: Final = frozenset({"DNS", "URI", "IP Address", "email"})
"""What a subjectAltName holds that can be a caller's name, as ``getpeercert()`` calls it."""
_OLDEST: Final = ssl.TLSVersion.TLSv1_2
"""What the API server may speak (k8s.io/client-go transport/transport.go)."""
_log = structlog.get_logger(__name__)


class ServingContext:
    """The context that the server listens with, and the pair that new connections get.

    There is no pair at first: then every handshake fails.

    Args:
        metrics: Told when the pair in use expires.
        clients: Which clients may connect; ``None``: all.
    """

    def __init__(self, metrics: Metrics, clients: "ClientAuthentication | None" = None) -> None:
        self._metrics = metrics
        self._clients = clients
        self._pair: tuple[bytes, bytes] | None = None
        # A pair is changed in the thread that reconciles, the clients in the event loop's.
        self._changing = threading.Lock()
        self.leaf: x509.Certificate | None = None
        """The leaf in use."""
        self.intermediates: bundle.Bundle = ()
        """What comes with it."""
        self.context = _DelegatingContext(ssl.PROTOCOL_TLS_SERVER)
        """What the server listens with."""
        if clients is not None:
            clients.on_change = self._make_anew

    def in_date(self, now: dt.datetime) -> bool:
        """Tell whether there is a leaf, and its time has come and is not over."""
        return self.leaf is not None and bundle.valid(self.leaf, now)

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
            context = self._context_of(chain, key)
            certificates = bundle.read(chain)
            if not certificates:
                raise CertificateError("no PEM certificate")
            leaf = certificates[0]
            self._pair = chain, key
            self.context.current, self.leaf = context, leaf
            self.intermediates = certificates[1:]
        expires = leaf.not_valid_after_utc.timestamp()
        self._metrics.certificate_not_after.labels("serving").set(expires)

    def _make_anew(self) -> None:
        """Serve the same pair from the next handshake on, to the clients that may connect now."""
        with self._changing:
            if self._pair is not None:
                self.context.current = self._context_of(*self._pair)

    def _context_of(self, chain: bytes, key: bytes) -> ssl.SSLContext:
        """Make the context of a pair."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _OLDEST
        with _as_file(chain + b"\n" + key) as path:
            try:
                # Without a password OpenSSL would ask for one on the terminal, and wait. An empty
                # password makes an encrypted key an error instead.
                context.load_cert_chain(path, password="")
            except ssl.SSLError as error:
                # The error's text names a source file of Python. Its reason is OpenSSL's, in
                # capitals; it has none for what is no PEM or is encrypted (OpenSSL 3.0).
                reason = error.reason or "no PEM, or encrypted"
                raise CertificateError(reason.replace("_", " ").lower()) from None
        if self._clients is not None:
            self._clients.require(context)
        return context


class ReloadLog:
    """Counts and logs what becomes of files that changed; a bad one is complained about once.

    Args:
        files: What they hold, as the names of the log's events begin.
        metrics: Told of every reload.
    """

    def __init__(self, files: str, metrics: Metrics) -> None:
        self._files = files
        self._reloads = metrics.certificate_reloads
        self._complaint = ""

    def failed(self, error: CertificateError) -> None:
        """Tell that the files cannot be used, unless that was the last thing that was told."""
        if str(error) != self._complaint:
            self._complaint = str(error)
            self._reloads.labels("failure").inc()
            event = f"{self._files}-not-reloaded"
            _log.error(event, why=self._complaint)

    def readable(self) -> None:
        """Note that the files can be used, changed or not: what is bad after this is told anew."""
        self._complaint = ""

    def succeeded(self, **what: object) -> None:
        """Tell that other contents are in use now.

        Args:
            what: Fields of the log line that say which.
        """
        self._reloads.labels("success").inc()
        event = f"{self._files}-reloaded"
        _log.info(event, **what)


class ClientAuthentication:
    """Which clients may connect: those of some authorities, with one of some names; kept current.

    Args:
        chosen: The file of the authorities, and the names.
        metrics: Told of every reload, and what becomes of it.

    Raises:
        CertificateError: The file holds no authority to start with.
    """

    def __init__(self, chosen: ClientCertificates, metrics: Metrics) -> None:
        self._chosen = chosen
        self._reloads = ReloadLog("client-authorities", metrics)
        self._connection_class = _connection_class(chosen.names)
        self._authorities = self._load()
        self.on_change: Callable[[], None] = lambda: None
        """Called when the authorities have been replaced."""

    def require(self, context: ssl.SSLContext) -> None:
        """Let a context require a client's certificate at each handshake.

        A certificate that was named is trusted whether it is a root or not, as Go has it.

        Source:
            k8s.io/apiserver pkg/authentication/request/x509: so does ``--requestheader-client-ca``.
        """
        der = b"".join(each.public_bytes(Encoding.DER) for each in self._authorities)
        context.load_verify_locations(cadata=der)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.sslobject_class = self._connection_class

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
            self._reloads.failed(error)
            return
        self._reloads.readable()
        if authorities != self._authorities:
            before, self._authorities = self._authorities, authorities
            try:
                self.on_change()
            except BaseException:
                self._authorities = before  # so that the next look tries once more
                raise
            self._reloads.succeeded(fingerprints=_fingerprints(authorities))

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


class WrongNameError(ssl.SSLCertVerificationError):
    """A client's certificate is of the right authority and for somebody else."""


class _DelegatingContext(ssl.SSLContext):
    """A context that lets another one begin its connections."""

    current: ssl.SSLContext | None = None
    """The one that does. While there is none, this one begins them; it has no certificate, so every
    handshake fails with "no shared cipher" (OpenSSL 3.0)."""

    # Both event loops begin each connection that they accept by this method of the context that the
    # server was started with: seen in asyncio/sslproto.py of Python 3.11 and in sslproto.pyx of
    # uvloop 0.23.
    def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:
        """Begin a connection with the newest good pair."""
        if self.current is None:
            return super().wrap_bio(*args, **named)
        return self.current.wrap_bio(*args, **named)


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Give bytes a path, since Python's ssl loads a private key from a path only.

    On Linux the file is in memory (memfd_create(2)), so that the key touches no disk and a
    read-only root will do; its path is the open descriptor's in /proc. Seen with Python 3.11:
    ``SSLContext.load_cert_chain`` takes no bytes.
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


def _connection_class(names: frozenset[str]) -> type[ssl.SSLObject]:
    """Make the class of connections whose client has one of these names; none: any name will do.

    The name is checked as soon as the handshake is over, and as part of it: nothing that a client
    of another name sends is ever read.
    """

    # ``sslobject_class`` is what ``wrap_bio`` makes. Both event loops then call ``do_handshake`` of
    # that object until it returns, and end the connection if it raises an SSLError: seen in
    # asyncio/sslproto.py of Python 3.11 and in sslproto.pyx of uvloop 0.23.
    class Connection(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            found = _subject_names(self.getpeercert() or {})
            if names and not names & found:
                shown = ", ".join(sorted(found)) or "nobody"
                raise WrongNameError(ssl.SSL_ERROR_SSL, f"its certificate is for {shown}")

    return Connection


def _subject_names(certificate: dict[str, Any]) -> frozenset[str]:
    """Tell for whom a certificate is: common name and alternative names.

    Args:
        certificate: As ``SSLObject.getpeercert()`` tells it.
    """
    subject = (pair for part in certificate.get("subject", ()) for pair in part)
    common = (value for key, value in subject if key == "commonName")
    alternative = (v for kind, v in certificate.get("subjectAltName", ()) if kind in _NAME_KINDS)
    return frozenset((*common, *alternative))


def _fingerprints(authorities: bundle.Bundle) -> list[str]:
    return [bundle.fingerprint(each) for each in authorities]
