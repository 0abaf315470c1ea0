"""Whether what we serve is verified by what is published, for readiness, metric and log."""

import datetime as dt

import structlog
from cryptography import x509

from certs import bundle
from webhook.certificates.clock import Clock
from webhook.certificates.handshake import objection
from webhook.certificates.serving import Serving
from webhook.cluster.ca_bundle import Entry, Published
from webhook.telemetry.metrics import Metrics

_log = structlog.get_logger(__name__)


class Publication:
    """The verdict on the configuration that was read last.

    Args:
        serving: What connections get.
        metrics: Told the verdict.
        clock: Of those who verify.
    """

    def __init__(self, serving: Serving, metrics: Metrics, clock: Clock) -> None:
        self._serving = serving
        self._metrics = metrics
        self._clock = clock
        self.published: Published | None = None
        """The configuration as it was read last; ``None`` where there is none, or nobody tells."""
        self.verified = False
        """Whether there is a certificate in date, and every entry of the configuration verifies it.
        Where there is no entry, nobody is known to refuse it."""
        self._said: dict[str, str] = {}

    def check(self) -> None:
        """Shake hands as the API server would for each entry; also when just time has passed."""
        entries = () if self.published is None else self.published.entries
        now = self._clock.now()
        served = self._serving.certificate
        objections = {
            entry.name: why
            for entry in entries
            if served is not None and (why := self._objection(entry, served, now))
        }
        self.verified = self._serving.in_date(now) and not objections
        self._metrics.ca_bundle_in_sync.set(bool(entries) and self.verified)
        if objections != self._said:
            self._say(objections)

    def _objection(self, entry: Entry, served: x509.Certificate, now: dt.datetime) -> str:
        """Tell why the API server would refuse; empty where it would not."""
        if served.not_valid_before_utc > now:
            return "certificate is not yet valid"
        if served.not_valid_after_utc < now:
            return "certificate has expired"
        why = objection(self._serving.context, entry.bundle, entry.host)
        # Where there is no bundle, it is the system that looks after its authorities.
        if why or not entry.bundle:
            return why
        dated = bundle.verifies(entry.bundle, served, now, self._serving.intermediates)
        return "" if dated else "no authority of the certificate is in date"

    def _say(self, objections: dict[str, str]) -> None:
        """Log what changed."""
        if objections:
            _log.warning("ca-bundle-out-of-sync", objections=objections)
        else:
            _log.info("ca-bundle-in-sync")
        self._said = objections
