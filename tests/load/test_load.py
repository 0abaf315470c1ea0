"""The load generator keeps its pace, and tells what became of each request."""

import itertools
import math
import time

import pytest

from tests.controlplane import ControlPlane
from tests.load import Load, Sample, summarize

pytestmark = pytest.mark.e2e

DEADLINE = 30.0
"""Seconds after which a test that waits has failed."""
CONTAINER = {"name": "load", "image": "registry.example.org/load"}


def sample(
    started: float, latency: float = 0.1, error: str = "", *, patched: bool = True
) -> Sample:
    """Make a sample."""
    return Sample(started, 0.0, latency, error, patched=patched)


def test_pace(plane: ControlPlane) -> None:
    """A hundred Pods fall due each second and are answered, and none of them is stored."""
    with Load(plane.api, "default", rate=100) as load:
        plane.wait_for(lambda: len(load.samples) >= 300, DEADLINE, "300 answers")

    report = load.report()
    due = sorted(each.started - each.late for each in load.samples)
    assert (report.failed, report.unpatched) == (0, report.requests)
    # When they were due, not when they were sent: a busy machine is late, and catches up.
    assert due[299] - due[0] == pytest.approx(2.99, abs=0.001)
    assert not plane.api.items("Pod")


def test_as_fast_as_answers_come(plane: ControlPlane) -> None:
    """Without a rate each client creates one Pod after the other, and they can be real ones."""
    pod = {"metadata": {"labels": {"made-by": "load"}}, "spec": {"containers": [CONTAINER]}}
    pods = "/api/v1/namespaces/default/pods"
    with Load(plane.api, "default", rate=math.inf, threads=2, pod=pod, stored=True) as load:
        plane.wait_for(lambda: len(load.samples) >= 20, DEADLINE, "20 answers")

    stored = plane.api.items("Pod", "default")
    plane.api.json("DELETE", pods)
    assert load.report().failed == 0
    assert len(stored) == load.report().requests
    assert {each["metadata"]["labels"]["made-by"] for each in stored} == {"load"}
    moments = [(each.started, 1) for each in load.samples]
    moments += [(each.ended, -1) for each in load.samples]
    at_once = itertools.accumulate(change for _, change in sorted(moments))
    assert max(at_once) <= 2


def test_failures_are_told(plane: ControlPlane) -> None:
    """What the API server refuses is counted as failed, with its words."""
    with Load(plane.api, "nowhere") as load:
        plane.wait_for(lambda: load.samples, DEADLINE, "an answer")

    report = load.report()
    assert report.failed == report.requests
    assert report.errors == {'404 namespaces "nowhere" not found': report.requests}


def test_api_server_is_away(plane: ControlPlane) -> None:
    """An outage shows as failures without an answer, from when it began to when it was over."""
    with Load(plane.api, "default") as load:
        plane.wait_for(lambda: load.samples, DEADLINE, "an answer")
        plane.stop_apiserver()
        stopped = time.monotonic()
        failed = load.report().failed
        plane.wait_for(lambda: load.report().failed > failed, DEADLINE, "a failure")
        away = time.monotonic() - stopped
        plane.start_apiserver()
        answered = len(load.samples)
        plane.wait_for(lambda: len(load.samples) > answered + 50, DEADLINE, "answers again")

    report = load.report()
    assert not load.samples[-1].failed
    assert report.outage > 0
    # While it stops and while it starts, one request may succeed and the next one fail; in between
    # none can succeed.
    assert report.longest_gap >= away


def test_summary() -> None:
    """Counts, latencies, the longest gap and the length of an outage are what the samples say."""
    samples = [
        *(sample(n, latency=0.1) for n in range(97)),
        sample(97.0, latency=0.2, error="boom"),
        sample(98.0, latency=0.5, error="boom"),
        sample(99.0, latency=0.3, patched=False),
    ]

    report = summarize(samples)

    assert (report.requests, report.failed, report.unpatched) == (100, 2, 1)
    assert (report.p50, report.p99) == (0.1, 0.3)
    assert report.rate == pytest.approx(1.0)
    assert report.longest_gap == pytest.approx(3.2)
    assert (report.first_failure, report.last_failure) == (97.0, 98.5)
    assert report.outage == 1.5
    assert report.errors == {"boom": 2}


def test_summary_of_nothing() -> None:
    """There is no report where nothing was sent."""
    with pytest.raises(ValueError, match="nothing was sent"):
        summarize([])
