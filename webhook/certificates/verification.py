"""Would the API server accept what we serve, by the caBundles that are published now?

That is what readiness, metric and log tell. It is found out by a real handshake within the process,
between two TLS stacks over memory: the listening context with all that it does, and a client that
trusts one caBundle and nothing else. A connection that has been open for hours proves nothing about
the next one.

Dates are compared in a step of their own, with the API server's clock: a node whose own clock is
wrong would otherwise call a certificate out of date that every client accepts, or the other way
round.
"""

import datetime as dt
import ssl
import time
from collections.abc import Callable
from typing import Final

import structlog
from cryptography import x509

from certs import bundle
from webhook.certificates.serving import NO_CLIENT_CERTIFICATE, ServingContext
from webhook.cluster.answers import ConfigurationEntry, ObservedConfiguration
from webhook.metrics import Metrics

_ROUNDS: Final = 8
"""Flights at most; TLS 1.3 takes two."""
_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL (x509_vfy.h, since 1.1.0), for which Python's ssl has no
name. ``SSLContext.verify_flags`` takes any bits: seen with Python 3.11 and OpenSSL 3.0."""
_UNFINISHED: Final = "no handshake"
"""What is said of a handshake that did not end, and where OpenSSL gives no reason."""
_log = structlog.get_logger(__name__)


class Verification:
    """The verdict on what is served, by the configuration that was read last.

    Args:
        serving: What connections get.
        metrics: Told the verdict.
        clock: Of those who verify.
    """

    def __init__(self, serving: ServingContext, metrics: Metrics, clock: "ApiServerClock") -> None:
        self._serving = serving
        self._metrics = metrics
        self._clock = clock
        self.published: ObservedConfiguration | None = None
        """The configuration as it was read last; ``None`` where there is none, or nobody tells."""
        self.verified = False
        """Whether there is a certificate in date, and every entry of the configuration verifies it.
        Where there is no entry, nobody is known to refuse it."""
        self._logged: dict[str, str] = {}

    def check(self) -> None:
        """Shake hands as the API server would for each entry, and note the verdict.

        To be called again and again, since the verdict can change by the passing of time alone.
        """
        entries = () if self.published is None else self.published.entries
        now = self._clock.now()
        served = self._serving.leaf
        errors = {
            entry.name: error
            for entry in entries
            if served is not None and (error := self._error(entry, served, now))
        }
        self.verified = self._serving.in_date(now) and not errors
        self._metrics.ca_bundle_in_sync.set(bool(entries) and self.verified)
        if errors != self._logged:
            self._log_change(errors)

    def _error(self, entry: ConfigurationEntry, served: x509.Certificate, now: dt.datetime) -> str:
        """Tell why the API server would refuse; empty where it would not."""
        if served.not_valid_before_utc > now:
            return "certificate is not yet valid"
        if served.not_valid_after_utc < now:
            return "certificate has expired"
        error = handshake_error(self._serving.context, entry.bundle, entry.host)
        # Without a bundle the authorities are the system's, and their dates are not checked.
        if error or not entry.bundle:
            return error
        dated = bundle.verifies(entry.bundle, served, now, self._serving.intermediates)
        return "" if dated else "no authority of the certificate is in date"

    def _log_change(self, errors: dict[str, str]) -> None:
        """Log what is refused now, or that nothing is refused any more."""
        if errors:
            _log.warning("ca-bundle-out-of-sync", objections=errors)
        else:
            _log.info("ca-bundle-in-sync")
        self._logged = errors


class ApiServerClock:
    """The API server's clock as an answer told it last, carried on by one that never jumps.

    Before the first answer, and where there is no API server, it is this node's.

    Args:
        monotonic: Tells seconds of a clock that never jumps.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: tuple[dt.datetime, float] | None = None

    def update(self, date: dt.datetime | None) -> None:
        """Note what an answer tells.

        Args:
            date: With its zone, to the second; ``None``: it told nothing.
        """
        if date is not None:
            self._told = date, self._monotonic()

    def now(self) -> dt.datetime:
        """Tell the time, with its zone."""
        if self._told is None:
            return dt.datetime.now(dt.UTC)
        date, at = self._told
        return date + dt.timedelta(seconds=self._monotonic() - at)


def handshake_error(serving: ssl.SSLContext, pem: bytes, host: str) -> str:
    """Shake hands without checking dates, and tell why the client would refuse.

    OpenSSL would compare dates with this node's clock, which is not the client's.

    Args:
        serving: The listening context.
        pem: The client's trust bundle; empty: the authorities that the system trusts, as for the
            API server (k8s.io/apiserver pkg/util/webhook/client.go).
        host: The name, or address, that the client verifies.

    Returns:
        Why it would; empty where it accepts.
    """
    try:
        client = client_context(pem)
    except ssl.SSLError:
        return "the bundle is no PEM"
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ours = serving.wrap_bio(to_server, to_client, server_side=True)
        theirs = client.wrap_bio(to_client, to_server, server_hostname=host)
        for _ in range(_ROUNDS):
            finished = [_advanced(side) for side in (theirs, ours)]
            if all(finished):
                return ""
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    except ssl.SSLError as error:
        # The client here has no certificate. Where we require one, OpenSSL finds that out only once
        # the client has accepted ours: seen with OpenSSL 3.0, TLS 1.2 and 1.3.
        accepted = error.reason == NO_CLIENT_CERTIFICATE
        return "" if accepted else (error.reason or _UNFINISHED).replace("_", " ").lower()
    except ValueError as error:  # a host that no certificate can be for
        return str(error)
    return _UNFINISHED


def client_context(pem: bytes) -> ssl.SSLContext:
    """Make a client that verifies as the API server does, except that it checks no dates.

    Args:
        pem: The client's trust bundle; empty: the authorities that the system trusts.

    Raises:
        ssl.SSLError: The bundle is no PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= _NO_CHECK_TIME
    if pem:
        context.load_verify_locations(cadata=pem.decode("ascii", "backslashreplace"))
    else:
        context.load_default_certs()
    return context


def _advanced(side: ssl.SSLObject) -> bool:
    """Let one side do what it can; tell whether it has finished."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
