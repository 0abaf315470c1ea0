"""The summary of the last audit: what is written, what is taken for one, and what is made of it."""

import datetime as dt
import json
import random
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.unit.cluster.reflecting import Entries, running
from tests.unit.cluster.scripted import Scripted
from tests.waiting import until, wait_for
from webhook import summary
from webhook.cluster import ClusterError, Forbidden, NotFound, Unreachable
from webhook.cluster.client import Client
from webhook.metrics import Metrics
from webhook.summary import ClusterSummary, Summary, SummaryClient

PATH = "/api/v1/namespaces/source-ip/configmaps/audit"
SUMMARY = Summary(
    finished=dt.datetime(2026, 11, 26, 3, 17, 5, tzinfo=dt.UTC),
    exit_code=1,
    findings={"missed": 2, "no-sidecar": 0},
    unknown=3,
    ordered_before_istio=True,
)
TEXT = (
    '{"finished":"2026-11-26T03:17:05Z","exitCode":1,"findings":{"missed":2,"no-sidecar":0},'
    '"unknown":3,"orderedBeforeIstio":true}'
)
EARLIER: dict[str, object] = json.loads(TEXT)


def config_map(text: str | None) -> dict[str, object]:
    """Make the ConfigMap as the API server answers it."""
    about: dict[str, object] = {"metadata": {"name": "audit", "resourceVersion": "42"}}
    return about if text is None else {**about, "data": {"report": text, "other": "x"}}


@pytest.fixture
def client(writer: Client) -> SummaryClient:
    """Name a ConfigMap."""
    return SummaryClient(writer, "source-ip", "audit")


@pytest.fixture(autouse=True)
def threads_end() -> Iterator[None]:
    """Fail a test that leaves a thread of ours behind."""
    yield
    wait_for(
        lambda: not [t for t in threading.enumerate() if t.name == "audit-summary"],
        30,
        "our threads to end",
    )


def test_publishing_changes_one_key(scripted: Scripted, client: SummaryClient) -> None:
    """One merge patch, in a name of its own, writes the summary and nothing beside it."""
    scripted.answer(200, config_map(TEXT))

    client.publish(SUMMARY)

    (asked,) = scripted.asked
    assert (asked.method, asked.path) == ("PATCH", PATH)
    assert asked.params == {"fieldManager": "source-ip-webhook-audit"}
    assert asked.headers["content-type"] == "application/merge-patch+json"
    assert asked.body == {"data": {"report": TEXT}}


def test_what_is_published_is_read(scripted: Scripted, client: SummaryClient) -> None:
    """Reading gives what was published; other keys of the ConfigMap do not matter."""
    scripted.answer(200, config_map(TEXT))

    assert client.read() == SUMMARY
    assert [asked[:2] for asked in scripted.asked] == [("GET", PATH)]


@pytest.mark.parametrize("body", [config_map(None), {**config_map(None), "data": {"other": "x"}}])
def test_nothing_published_yet(scripted: Scripted, client: SummaryClient, body: object) -> None:
    """The ConfigMap as the chart makes it, without data, is no error and no summary."""
    scripted.answer(200, body)

    assert client.read() is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        "{}",
        TEXT.replace("Z", ""),
        *(
            json.dumps({**EARLIER, **wrong})
            for wrong in (
                {"exitCode": 3},
                {"unknown": -1},
                {"findings": {"missed": 10**400}},
                {"findings": {'a"} 1\nother{x="': 1}},
                {"findings": {f"reason-{number}": 1 for number in range(101)}},
            )
        ),
    ],
)
def test_nonsense_is_no_summary(scripted: Scripted, client: SummaryClient, text: str) -> None:
    """What no audit writes becomes no metric, however it got there; a sentence says what to do."""
    scripted.answer(200, config_map(text))

    with pytest.raises(ClusterError, match=r"ConfigMap source-ip/audit holds no summary") as caught:
        client.read()

    assert "let the audit run again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_answer_that_is_no_config_map(scripted: Scripted, client: SummaryClient) -> None:
    """A proxy's page is nothing that the API server has said."""
    scripted.answer(200, b"<html>")

    with pytest.raises(Unreachable, match="makes no sense"):
        client.read()


def test_missing_config_map_is_a_sentence(scripted: Scripted, client: SummaryClient) -> None:
    """Reading and publishing both say that it has to be there, and who makes it."""
    for _ in range(2):
        scripted.answer(404, {"message": 'configmaps "audit" not found'})

    for action in (client.read, lambda: client.publish(SUMMARY)):
        with pytest.raises(NotFound, match=r"source-ip/audit is not there.*audit\.enabled"):
            action()


def test_missing_right_is_named(scripted: Scripted, client: SummaryClient) -> None:
    """A right that is missing does not look like a ConfigMap that is missing."""
    scripted.answer(403, {"message": "no"})

    with pytest.raises(Forbidden, match=re.escape(f"patch {PATH}: HTTP 403, no")):
        client.publish(SUMMARY)


def test_names_cannot_leave_their_path(scripted: Scripted, writer: Client) -> None:
    """Whatever it is called by mistake, no other object is asked for."""
    scripted.answer(404, {})

    with pytest.raises(NotFound):
        SummaryClient(writer, "a/b", "../c").read()

    assert scripted.asked[0].path == "/api/v1/namespaces/a%2Fb/configmaps/..%2Fc"


@pytest.mark.anyio
async def test_metrics_follow_it(
    scripted: Scripted, client: SummaryClient, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing before the first audit; then what the last one said; nothing after a new install."""
    second = {**EARLIER, "findings": {"missed": 0}, "unknown": 0, "orderedBeforeIstio": False}
    third = {key: value for key, value in EARLIER.items() if key != "orderedBeforeIstio"}
    texts = (None, TEXT, json.dumps(second), json.dumps(third), None)
    for text in texts:
        scripted.answer(200, config_map(text))
    seen: list[dict[str, float]] = []

    def next_look(low: float, high: float) -> float:
        assert (low, high) == (7.5, 15.0)
        seen.append(samples(metrics))
        return 0.0 if len(seen) < len(texts) else 3600.0

    monkeypatch.setattr(random, "uniform", next_look)
    async with running(ClusterSummary(client, metrics)):
        await until(lambda: len(seen) == len(texts))

    finished = SUMMARY.finished.timestamp()
    some = {"audit_last_run_timestamp_seconds": finished, "audit_unknown": 3.0}
    counted = {'audit_findings{"missed"}': 2.0, 'audit_findings{"no-sidecar"}': 0.0}
    assert seen == [
        {},
        {**some, **counted, "ordered_before_istio": 1.0},
        {
            **some,
            "audit_unknown": 0.0,
            'audit_findings{"missed"}': 0.0,
            "ordered_before_istio": 0.0,
        },
        {**some, **counted},
        {},
    ]


@pytest.mark.anyio
async def test_what_cannot_be_read_is_said_once(
    scripted: Scripted,
    client: SummaryClient,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
    entries: Entries,
) -> None:
    """What was read before stays; each new cause is one line, and so is the end of it."""
    answers = [(200, config_map(TEXT)), *[(403, {"message": "no"})] * 2, (404, {})]
    answers += [(200, config_map(TEXT)), (200, config_map(TEXT))]
    for status, body in answers:
        scripted.answer(status, body)
    seen: list[dict[str, float]] = []

    def next_look(_low: float, _high: float) -> float:
        seen.append(samples(metrics))
        return 0.0 if len(seen) < len(answers) else 3600.0

    monkeypatch.setattr(random, "uniform", next_look)
    async with running(ClusterSummary(client, metrics)):
        await until(lambda: len(seen) == len(answers))

    assert seen[0]
    assert seen == [seen[0]] * len(answers)
    assert [entry["event"] for entry in entries] == [
        "audit-summary-unread",
        "audit-summary-unread",
        "audit-summary-read",
    ]
    assert ["403" in entry.get("why", "") for entry in entries] == [True, False, False]


def test_page_shows_a_summary() -> None:
    """The example in docs/operation.md can be read, and how often it is looked at is true."""
    page = (Path(__file__).parents[3] / "docs" / "operation.md").read_text()
    example = re.search(r'`(\{"finished".*?\})`', page)

    assert example is not None
    shown = msgspec.json.decode(example[1], type=Summary)
    assert shown.findings == {"missed": 2, "one-node": 0}
    assert f"read from the ConfigMap within {summary._POLL:.0f} s" in page  # noqa: SLF001
    assert f"read every {summary._POLL:.0f} s" in page  # noqa: SLF001


def samples(metrics: Metrics) -> dict[str, float]:
    """Read what is exposed of an audit, by name and reason."""
    found = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            name = sample.name.removeprefix("source_ip_webhook_")
            if "audit" in name or "ordered" in name:
                reason = sample.labels.get("reason")
                found[name if reason is None else f'{name}{{"{reason}"}}'] = sample.value
    return found
