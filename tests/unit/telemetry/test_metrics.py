"""Metrics: decisions are counted under labels whose values we choose."""

import pytest

from tests.reviews import review
from tests.situations import pod
from webhook.admission.answer import receive
from webhook.admission.decision import Decision
from webhook.admission.reason import Reason
from webhook.telemetry.metrics import Metrics


@pytest.mark.parametrize(("kind", "label"), [("Pod", "Pod"), ("Invented", "other")])
@pytest.mark.parametrize("dry_run", [True, False, None])
def test_decision_is_counted_once(kind: str, label: str, *, dry_run: bool | None) -> None:
    """One decision is one count and one observation; a kind that is not ours is ``other``."""
    metrics = Metrics()
    admission = receive(review(kind, pod(), dryRun=dry_run))
    metrics.decided(admission, Decision(Reason.OPTED_OUT), 0.002, namespace_known=True)
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


def test_counters_have_one_series_each() -> None:
    """What is scraped has no series of creation times beside the counters."""
    metrics = Metrics()
    metrics.rejected.labels("400").inc()

    assert b"_created" not in metrics.exposition()


def test_exposition_names_the_version() -> None:
    """What is scraped tells which version it comes from."""
    assert b"source_ip_webhook_build_info{version=" in Metrics().exposition()
