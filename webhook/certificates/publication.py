"""Whether what we serve is verified by what is published, for readiness, metric and log."""

import structlog

from webhook.certificates.handshake import objection
from webhook.certificates.serving import Serving
from webhook.cluster.ca_bundle import Published
from webhook.telemetry.metrics import Metrics

_log = structlog.get_logger(__name__)


class Publication:
    """The verdict on the configuration that was read last.

    Args:
        serving: What connections get.
        metrics: Told the verdict.
    """

    def __init__(self, serving: Serving, metrics: Metrics) -> None:
        self._serving = serving
        self._metrics = metrics
        self.published: Published | None = None
        """The configuration as it was read last; ``None`` where there is none, or nobody tells."""
        self.verified = False
        """Whether there is a certificate in date, and every entry of the configuration verifies it.
        Where there is no entry, nobody is known to refuse it."""
        self._said: dict[str, str] = {}

    def check(self) -> None:
        """Shake hands as the API server would for each entry; also when just time has passed."""
        entries = () if self.published is None else self.published.entries
        served = self._serving.certificate is not None
        objections = {
            entry.name: why
            for entry in entries
            if served and (why := objection(self._serving.context, entry.bundle, entry.host))
        }
        self.verified = self._serving.in_date and not objections
        self._metrics.ca_bundle_in_sync.set(bool(entries) and self.verified)
        if objections != self._said:
            self._say(objections)

    def _say(self, objections: dict[str, str]) -> None:
        """Log what changed."""
        if objections:
            _log.warning("ca-bundle-out-of-sync", objections=objections)
        else:
            _log.info("ca-bundle-in-sync")
        self._said = objections
