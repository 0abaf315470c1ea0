"""Servers take turns, and their rounds are summed up."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import servers, throughput, usage, wrk
from benchmarks.matrix import OTHERS, TYPICAL, Plan
from benchmarks.reviews import REVIEWS, Review
from benchmarks.servers import NAMES, OURS, Server
from benchmarks.throughput import Ratio, Sample, ratio, row_of, rows
from benchmarks.usage import Memory
from benchmarks.wrk import Measured
from tests.unit.benchmarks.samples import PEER, SAMPLES

ANSWERED = Measured(50, 1, 1, 1, requests=1000, errors=0)
FEW = Measured(1, 1, 1, 1, requests=2, errors=0)


def test_every_kind_of_case_is_measured() -> None:
    """Every review is sent, 1, 16 and 64 are under way at a time, and no case comes twice."""
    cases = [TYPICAL, *OTHERS]

    assert {case.review for case in cases} == set(REVIEWS.values())
    assert {case.connections for case in cases} == {1, 16, 64}
    assert len(set(cases)) == len(cases)


def test_load_stays_below_ten_minutes() -> None:
    """The plan leaves a minute for all that is no load."""
    assert Plan().load_seconds(len(NAMES)) <= 9 * 60


def test_rounds_are_summed_up() -> None:
    """A row has medians, what each round had, and the errors of all."""
    row = row_of(rows(SAMPLES), OURS, TYPICAL)

    assert row is not None
    assert row["requests_per_second"] == 1200
    assert row["p50"], row["p99"] == (0.01, 0.02)
    assert row["cpu_seconds_per_1000"] == pytest.approx(0.5)
    assert row["core"] == pytest.approx(0.6)
    assert (row["rss"], row["pss"], row["ready_seconds"]) == (120, 60, 12)
    assert row["errors"] == 3
    assert row["rounds"]["p99"] == [0.01, 0.03, 0.02]
    assert (row["bytes"], row["patched"]) == (len(TYPICAL.review.body), True)


def test_other_cases_tell_no_memory() -> None:
    """Where all servers run at a time, memory that they share would be told of none of them."""
    row = row_of(rows(SAMPLES), OURS, OTHERS[0])

    assert row is not None
    assert row["requests_per_second"] == 600
    assert "pss" not in row
    assert "ready_seconds" not in row


def test_ratio_is_that_of_the_medians() -> None:
    """Of the medians, with the lowest and the highest of a round."""
    found = rows(SAMPLES)

    assert ratio(found, "requests_per_second", TYPICAL) == Ratio(6.0, 4.0, 10.0)
    p99 = ratio(found, "p99", TYPICAL)
    assert p99 is not None
    assert (p99.median, p99.lowest, p99.highest) == pytest.approx((0.1, 0.05, 0.15))


def test_nothing_to_compare_with() -> None:
    """Where one of two servers was not measured there is no ratio."""
    assert ratio(rows(SAMPLES), "p99", OTHERS[0]) is None


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers be asked about that there are none of."""
    monkeypatch.setattr(Server, "check", lambda _self, _review: None)
    monkeypatch.setattr(wrk, "warm_up", lambda *_: None)
    monkeypatch.setattr(usage, "cpu_seconds", lambda _pid: 0.0)
    monkeypatch.setattr(usage, "memory", lambda _pid: Memory(1, 1))


@pytest.mark.usefixtures("nothing_runs")
def test_servers_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round has every server once, alone first, then with all others idle beside it."""
    running: list[str] = []
    told: list[tuple[str, str, int]] = []

    @contextlib.contextmanager
    def start(name: str, folder: Path) -> Iterator[Server]:
        running.append(name)
        yield Server(name, NAMES.index(name), 1, ready_seconds=0.5, folder=folder)
        running.remove(name)

    def load(port: int, review: Review, _connections: int, _seconds: int) -> Measured:
        told.append((NAMES[port], review.name, len(running)))
        return ANSWERED

    monkeypatch.setattr(servers, "running", start)
    monkeypatch.setattr(wrk, "run", load)
    seen: list[Sample] = []

    samples = throughput.measure(
        [OURS, PEER], Plan(rounds=2, other_rounds=1), lambda _line: None, seen.append
    )

    typical = TYPICAL.review.name
    assert told[:4] == [(name, typical, 1) for name in (OURS, PEER, OURS, PEER)]
    assert told[4:] == [(name, case.review.name, 2) for case in OTHERS for name in (OURS, PEER)]
    assert seen == samples
    assert running == []


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("first", [None, FEW], ids=["no answer", "few answers"])
def test_slow_server_gets_more_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: Measured | None
) -> None:
    """One that answers hardly anything is loaded once more, for longer, and only that counts."""
    tried: list[int] = []

    @contextlib.contextmanager
    def start(name: str, _folder: Path) -> Iterator[Server]:
        yield Server(name, 1, 1, ready_seconds=0.5, folder=tmp_path)

    def load(_port: int, _review: Review, _connections: int, seconds: int) -> Measured:
        tried.append(seconds)
        if len(tried) > 1:
            return ANSWERED
        if first is None:
            raise wrk.NoAnswerError("nothing")
        return first

    monkeypatch.setattr(servers, "running", start)
    monkeypatch.setattr(wrk, "run", load)

    (sample,) = throughput.measure(
        [PEER], Plan(rounds=1, other_rounds=0, seconds=2), lambda _line: None, lambda _seen: None
    )

    assert tried == [2, 10]
    assert sample.measured == ANSWERED
