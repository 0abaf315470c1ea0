"""How an audit that nobody waits for is told: its summary, in the log and in a ConfigMap.

``serve`` reads the ConfigMap and makes metrics of it (:mod:`webhook.summary`).
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

from webhook.admission.decision import Outcome
from webhook.admission.registry import REASONS
from webhook.audit.findings import AuditReason, Level, Report
from webhook.cluster.client import Client
from webhook.summary import Summary, SummaryClient

_LOOKED_FOR: Final = (
    *(str(reason) for reason in AuditReason if reason.level is Level.FINDING),
    *(word for word, reason in REASONS.items() if reason.outcome is Outcome.CONFLICT),
)
"""The words of all reasons for a finding: each has its number, so that a dashboard tells none from
never looked for."""
_log = structlog.get_logger(__name__)


def publish(
    client: Client,
    namespace: str,
    name: str,
    report: Report,
    *,
    ordered: bool | None,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> None:
    """Log the summary of a report in one line, and write it into a ConfigMap.

    Args:
        client: May ``patch`` the ConfigMap.
        namespace: Where it is.
        name: What it is called.
        report: What the audit says.
        ordered: Whether our configuration is called before Istio's; ``None``: nobody could tell.
        now: Tells the time, with its zone.

    Raises:
        ClusterError: The ConfigMap cannot be written; the line is in the log all the same.
    """
    summary = summarize(report, ordered=ordered, finished=now())
    _log.info(
        "audited",
        namespaces=len(report.namespaces),
        pods=report.pods,
        services=report.services,
        findings={reason: count for reason, count in summary.findings.items() if count},
        unknown=summary.unknown,
        ordered_before_istio=summary.ordered_before_istio,
        exit_code=summary.exit_code,
    )
    SummaryClient(client, namespace, name).publish(summary)


def summarize(report: Report, *, ordered: bool | None, finished: dt.datetime) -> Summary:
    """Count what a report says.

    Args:
        report: What the audit says; its notes do not count.
        ordered: Whether our configuration is called before Istio's; ``None``: nobody could tell.
        finished: When the audit ended, with its zone.
    """
    findings = Counter(each.reason for each in report.findings if each.level is Level.FINDING)
    return Summary(
        finished=finished,
        exit_code=report.exit_code,
        findings={**dict.fromkeys(_LOOKED_FOR, 0), **findings},
        unknown=len(report.unknown),
        ordered_before_istio=ordered,
    )
