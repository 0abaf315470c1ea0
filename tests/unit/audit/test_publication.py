"""How an audit that nobody waits for is told."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests import kubeconfig
from tests.unit.cluster.scripted import Scripted
from webhook.admission.registry import REASONS
from webhook.audit import publication
from webhook.audit.findings import AuditReason, Cure, Finding, Level, Owner, Report, Unknown
from webhook.cluster import Forbidden
from webhook.cluster.access import Access
from webhook.cluster.client import Client

NOW = dt.datetime(2026, 11, 26, 3, 17, 5, tzinfo=dt.UTC)


def finding(reason: str, level: Level = Level.FINDING, *, count: int = 1) -> Finding:
    """Make a finding of a reason."""
    return Finding(
        namespace="shop",
        owner=Owner("apps/v1", "Deployment", "web"),
        level=level,
        reason=reason,
        sentence="so it is",
        evidence=(),
        objects=("Pod/web-1",),
        count=count,
        cure=Cure("kubectl -n shop rollout restart deployment/web"),
    )


REPORT = Report(
    label_key="source-ip-preservation",
    namespaces=("shop", "other"),
    pods=7,
    services=2,
    findings=(
        finding("missed", count=500),
        finding("missed"),
        finding("explicit-mode"),
        finding("fewer-nodes", Level.NOTE),
    ),
    unknown=(Unknown("Pods of namespace other", "pods is forbidden"),),
)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """Run an API server that answers what the test says."""
    with Scripted() as running:
        yield running


@pytest.fixture
def client(scripted: Scripted, tmp_path: Path) -> Iterator[Client]:
    """Make a client for it."""
    path = kubeconfig.write(tmp_path / "config", scripted.url, {"token": "secret"})
    client = Access(kubeconfig=path).connect()
    yield client
    client.close()


def test_log_and_config_map_say_the_same(scripted: Scripted, client: Client) -> None:
    """One line of the log has what a person looks for, the ConfigMap what becomes metrics."""
    scripted.answer(200, {})

    with capture_logs() as logged:
        publication.publish(client, "source-ip", "audit", REPORT, ordered=False, now=lambda: NOW)

    assert logged == [
        {
            "event": "audited",
            "log_level": "info",
            "namespaces": 2,
            "pods": 7,
            "services": 2,
            "findings": {"missed": 2, "explicit-mode": 1},
            "unknown": 1,
            "ordered_before_istio": False,
            "exit_code": 1,
        }
    ]
    (asked,) = scripted.asked
    published = json.loads(asked.body["data"]["report"])
    assert {word: count for word, count in published.pop("findings").items() if count} == {
        "missed": 2,
        "explicit-mode": 1,
    }
    assert published == {
        "finished": "2026-11-26T03:17:05Z",
        "exitCode": 1,
        "unknown": 1,
        "orderedBeforeIstio": False,
    }


def test_what_was_looked_for_in_vain_is_0() -> None:
    """Every reason for a finding has its number, so that a metric can go down to 0 and stay."""
    nothing = Report("source-ip-preservation", ("shop",), 1, 1, (), ())

    summary = publication.summarize(nothing, ordered=None, finished=NOW)

    assert set(summary.findings.values()) == {0}
    assert {"missed", "one-node", "sees-sidecar", "explicit-mode", "explicit-cluster"} <= set(
        summary.findings
    )
    known = {*REASONS, *map(str, AuditReason)}
    assert set(summary.findings) < known
    assert not {"fewer-nodes", "added", "pod-security"} & set(summary.findings)


def test_log_has_it_where_the_config_map_does_not(scripted: Scripted, client: Client) -> None:
    """A right that is missing loses the metrics, and not the line."""
    scripted.answer(403, {"message": "no"})

    with capture_logs() as logged, pytest.raises(Forbidden):
        publication.publish(client, "source-ip", "audit", REPORT, ordered=True)

    assert [entry["event"] for entry in logged] == ["audited"]
