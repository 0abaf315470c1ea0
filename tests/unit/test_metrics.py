"""Metrics: decisions are counted under labels whose values we choose."""

import re
from pathlib import Path

import pytest

from tests.reviews import review
from tests.situations import pod
from webhook import server
from webhook.admission.answer import receive
from webhook.admission.decision import CommonReason, Decision
from webhook.metrics import Metrics


@pytest.mark.parametrize(("kind", "label"), [("Pod", "Pod"), ("Invented", "other")])
@pytest.mark.parametrize("dry_run", [True, False, None])
def test_decision_is_counted_once(kind: str, label: str, *, dry_run: bool | None) -> None:
    """One decision is one count and one observation; a kind that is not ours is ``other``."""
    metrics = Metrics()
    admission = receive(review(kind, pod(), dryRun=dry_run))
    metrics.decided(
        admission.request, Decision(CommonReason.OPTED_OUT), 0.002, namespace_known=True
    )
    labels = {
        "kind": label,
        "operation": "CREATE",
        "outcome": "skipped",
        "reason": "opted-out",
        "dry_run": "true" if dry_run else "false",
    }
    value = metrics.registry.get_sample_value

    assert value("source_ip_webhook_admission_total", labels) == 1
    assert value("source_ip_webhook_admission_duration_seconds_sum", {"kind": label}) == 0.002


def test_series_exist_before_their_first_event() -> None:
    """Every answer of the server that is no decision, and all else alerts watch, begins at 0."""
    source = "\n".join(path.read_text() for path in Path(server.__path__[0]).glob("*.py"))
    answers = r'HTTPException\(\s*(\d{3})|rejected\((\d{3})[,)]|labels\("(\d{3})"\)'
    codes = re.findall(answers, source)
    value = Metrics().registry.get_sample_value

    assert {"400", "408", "413", "415", "431", "500", "503"} <= {"".join(code) for code in codes}
    for code in ["404", "405", *("".join(code) for code in codes)]:
        assert value("source_ip_webhook_rejected_requests_total", {"code": code}) == 0
    for result in ("success", "failure"):
        assert value("source_ip_webhook_certificate_reloads_total", {"result": result}) == 0
    for result in ("found", "missing", "unreachable", "rate-limited"):
        assert value("source_ip_webhook_namespace_lookups_total", {"result": result}) == 0
    for kind in ("Pod", "Service"):
        name = "source_ip_webhook_admission_duration_seconds_count"
        assert value(name, {"kind": kind}) == 0


def test_counters_have_one_series_each() -> None:
    """What is scraped has no series of creation times beside the counters."""
    metrics = Metrics()
    metrics.rejected.labels("400").inc()

    assert b"_created" not in metrics.exposition()


def test_exposition_names_the_version() -> None:
    """What is scraped tells which version it comes from."""
    assert b"source_ip_webhook_build_info{version=" in Metrics().exposition()
