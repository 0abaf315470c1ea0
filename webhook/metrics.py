"""The metrics of a serving process, by the names that dashboards and alerts rely on.

Each :class:`Metrics` has a registry of its own, so that tests can have as many as they like.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from webhook import __version__
from webhook.admission.decision import Decision, Reason
from webhook.admission.review import AdmissionRequest
from webhook.logs.writer import STDERR

_BUCKETS: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Seconds; the API server's own histogram starts at 5 ms, where ours should end."""
_KINDS: Final = frozenset({"Pod", "Service"})
"""Kinds that are counted by their name; any other as ``other``."""
_REJECTIONS: Final = (400, 404, 405, 408, 413, 415, 431, 500, 503)
"""HTTP statuses of answers that are no decision."""


class Metrics:
    """Counters, gauges and histograms of one serving process."""

    def __init__(self) -> None:
        # Without a second series for each counter, "_created", which nobody reads. It is a switch
        # of the whole process (prometheus_client 0.26).
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        self.admissions = Counter(
            "source_ip_webhook_admission",
            "Reviews answered, by what became of the object and why.",
            ("kind", "operation", "outcome", "reason", "dry_run"),
            registry=registry,
        )
        self.duration = Histogram(
            "source_ip_webhook_admission_duration_seconds",
            "Time from the last byte of a review to its answer.",
            ("kind",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self.rejected = Counter(
            "source_ip_webhook_rejected_requests",
            "Requests that were no review we could answer, by HTTP status.",
            ("code",),
            registry=registry,
        )
        self.handshakes_failed = Counter(
            "source_ip_webhook_handshakes_failed",
            "Connections that ended before TLS was agreed upon, by the reason.",
            ("reason",),
            registry=registry,
        )
        self.namespace_lookups = Counter(
            "source_ip_webhook_namespace_lookups",
            "Requests to the API server for one namespace, by what they told; or rate-limited.",
            ("result",),
            registry=registry,
        )
        self.selector_trusted = Counter(
            "source_ip_webhook_selector_trusted",
            "Reviews decided without the namespace's labels, because the selector had matched.",
            registry=registry,
        )
        self.namespace_cache_synced = Gauge(
            "source_ip_webhook_namespace_cache_synced",
            "1 while the namespaces' labels are current, 0 while they may be stale or are unknown.",
            registry=registry,
        )
        self.sidecar_cache_synced = Gauge(
            "source_ip_webhook_sidecar_cache_synced",
            "1 while the mesh's Sidecars are current, 0 while they may be stale or are unknown.",
            registry=registry,
        )
        self.certificate_not_after = Gauge(
            "source_ip_webhook_certificate_not_after_timestamp_seconds",
            "When a certificate expires, in seconds since the epoch.",
            ("certificate",),
            registry=registry,
        )
        self.certificate_reloads = Counter(
            "source_ip_webhook_certificate_reloads",
            "Changes of certificate files, our pair or --client-ca, by whether they could be used.",
            ("result",),
            registry=registry,
        )
        self.ca_bundle_in_sync = Gauge(
            "source_ip_webhook_ca_bundle_in_sync",
            "1 while every caBundle of the configuration verifies what this replica serves.",
            registry=registry,
        )
        self.ca_bundle_contested = Gauge(
            "source_ip_webhook_ca_bundle_contested",
            "1 while somebody else keeps taking our authority out of the configuration.",
            registry=registry,
        )
        self.certificate_steps = Counter(
            "source_ip_webhook_certificate_steps",
            "Steps that this replica took to keep managed certificates current.",
            ("step",),
            registry=registry,
        )
        self.certificate_failures = Counter(
            "source_ip_webhook_certificate_failures",
            "Looks at certificates or caBundle that failed; the log says why.",
            registry=registry,
        )
        self.last_rotation = Gauge(
            "source_ip_webhook_certificate_last_rotation_timestamp_seconds",
            "When the managed certificate in use was issued, in seconds since the epoch.",
            registry=registry,
        )
        self.audit = AuditMetrics()
        registry.register(self.audit)
        registry.register(_LogCollector())
        Gauge(
            "source_ip_webhook_build_info",
            "Always 1; the version is the label.",
            ("version",),
            registry=registry,
        ).labels(__version__).set(1)
        # Of each combination of labels there is one, looked for once: prometheus_client 0.26 makes
        # strings of all values, and takes a lock, each time that it looks.
        self._admission = functools.cache(self._find_admission)
        self._duration = functools.cache(self.duration.labels)
        self._begin_at_zero()

    def _find_admission(self, kind: str, operation: str, reason: Reason, dry_run: bool) -> Counter:
        """Find the counter of one combination; the outcome follows from the reason."""
        return self.admissions.labels(
            kind, operation, reason.outcome, reason, "true" if dry_run else "false"
        )

    def _begin_at_zero(self) -> None:
        """Make the series that alerts and dashboard watch.

        Source:
            Prometheus, "Instrumentation", section "Avoid missing metrics": a series that begins
            with its first event shows no increase at that event.
        """
        for code in _REJECTIONS:
            self.rejected.labels(str(code))
        for result in ("success", "failure"):
            self.certificate_reloads.labels(result)
        for result in ("found", "missing", "unreachable", "rate-limited"):
            self.namespace_lookups.labels(result)
        for kind in _KINDS:
            self.duration.labels(kind)

    def decided(
        self,
        request: AdmissionRequest,
        decisions: Sequence[Decision],
        seconds: float,
        *,
        namespace_known: bool,
    ) -> None:
        """Count what was decided upon one review.

        Args:
            request: Of the review; a kind that we do not know counts as ``other``, because a label
                whose values a caller chooses would grow without bound.
            decisions: What was decided; each is counted.
            seconds: How long the review took, which is observed once.
            namespace_known: Whether the namespace's labels were known.
        """
        if not namespace_known:
            self.selector_trusted.inc()
        kind = request.kind.kind if request.kind.kind in _KINDS else "other"
        for decision in decisions:
            self._admission(kind, request.operation, decision.reason, bool(request.dry_run)).inc()
        self._duration(kind).observe(seconds)

    def exposition(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Audit:
    """What is exposed of an audit."""

    findings: Mapping[str, int]
    unknown: int
    finished: float
    ordered: bool | None


class AuditMetrics(Collector):
    """Tells of the last audit in the cluster; without any sample before there was one.

    A gauge of its own for each would be 0 from the start, which is what a finding, a time, or an
    order that is wrong look like.
    """

    def __init__(self) -> None:
        self._audit: _Audit | None = None

    def tell(
        self, *, findings: Mapping[str, int], unknown: int, finished: float, ordered: bool | None
    ) -> None:
        """Take over what an audit has said, in the place of the one before.

        Args:
            findings: How many, by the reason's word.
            unknown: How many things could not be told.
            finished: When it ended, in seconds since the epoch.
            ordered: Whether our configuration is called before Istio's; ``None``: nobody could
                tell, and then there is no sample.
        """
        self._audit = _Audit(findings=findings, unknown=unknown, finished=finished, ordered=ordered)

    def forget(self) -> None:
        """Say that there was no audit."""
        self._audit = None

    def collect(self) -> Iterator[Metric]:
        """Write what the last audit has said."""
        findings = GaugeMetricFamily(
            "source_ip_webhook_audit_findings",
            "Findings of the last audit in the cluster, by reason.",
            labels=("reason",),
        )
        unknown = GaugeMetricFamily(
            "source_ip_webhook_audit_unknown",
            "What the last audit in the cluster could not tell.",
        )
        last_run = GaugeMetricFamily(
            "source_ip_webhook_audit_last_run_timestamp_seconds",
            "When the last audit in the cluster ended, in seconds since the epoch.",
        )
        ordered = GaugeMetricFamily(
            "source_ip_webhook_ordered_before_istio",
            "1 if the last audit saw our configuration called before Istio's, 0 if after it.",
        )
        audit = self._audit
        if audit is not None:
            for reason, count in audit.findings.items():
                findings.add_metric((reason,), count)
            unknown.add_metric((), audit.unknown)
            last_run.add_metric((), audit.finished)
            if audit.ordered is not None:
                ordered.add_metric((), audit.ordered)
        yield from (findings, unknown, last_run, ordered)


class _LogCollector(Collector):
    """Tells of the log's own lines: where nobody reads the log, only a metric can."""

    def collect(self) -> Iterator[Metric]:
        """Read the numbers at the time of the scrape, from whoever writes the lines."""
        yield CounterMetricFamily(
            "source_ip_webhook_log_lines_dropped",
            "Lines of the log that nobody took in time, or that could not be written.",
            value=STDERR.dropped,
        )
        yield GaugeMetricFamily(
            "source_ip_webhook_log_waiting_bytes",
            "Lines of the log that nobody has taken yet.",
            value=STDERR.waiting,
        )
