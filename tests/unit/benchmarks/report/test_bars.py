"""Every bar says whether it holds, and by how much it does not."""

import pytest

from benchmarks.report import bars
from tests.unit.benchmarks.report.measured import PARTS, part, requests


def verdicts(**changed: list[dict[str, object]]) -> dict[str, str]:
    """Judge all parts, some of which have other rows, and return the verdicts by their bars."""
    parts = {**PARTS, **{name: part(name, found) for name, found in changed.items()}}
    return {bar.text: bar.verdict for bar in bars.judge(parts)}


def test_all_bars_are_judged() -> None:
    """Each says yes, or no and by which part of the bar it is missed."""
    assert verdicts() == {
        "at least 10 times the requests a second of controller-runtime": "**no**, by 40 %",
        "at most 0.1 of its p99": "yes",
        "a Pod's creation takes at most 1.50 ms more at the median": "yes",
        "at most 0.1 of what Istio's injector adds": "yes",
        "working set with 5,000 namespaces at most 60 MiB": "yes",
        "RSS with 5,000 namespaces at most 72 MiB": "**no**, by 5 %",
        "start with 5,000 namespaces at most 1 s": "yes",
        "p50 grows in a line with the size (`escaped`): at most 25 % off it": "yes",
        "small reviews beside 18 MB (`escaped`): p99 at most 20.0 ms": "**no**, by 50 %",
        "p50 with the most namespaces at most 1.1 times that with the fewest": "yes",
        "memory grows by at most 2 MiB over 10,000,000 requests, after the first tenth": "yes",
    }


@pytest.mark.parametrize(
    ("total", "rss", "verdict"),
    [
        (10_000_000, 82.0, "yes"),
        (10_000_000, 84.0, "**no**, by 100 %"),
        (200_000, 80.0, "not measured to the end"),
    ],
)
def test_memory_over_many_requests(total: int, rss: float, verdict: str) -> None:
    """Only as many requests as the bar asks for decide it."""
    *_, last = verdicts(growth=requests(total, rss)).items()

    assert last[0].startswith("memory grows")
    assert last[1] == verdict


def test_injector_that_adds_nothing() -> None:
    """Where Istio's injector seems to add nothing the comparison with it does not hold."""
    found = [{**row, "adds_p50": 0.0} for row in PARTS["cluster"].rows]

    text = "at most 0.1 of what Istio's injector adds"
    assert verdicts(cluster=found)[text] == "**no**, by 900 %"


def test_nothing_measured() -> None:
    """Without parts there are no bars."""
    assert bars.judge({}) == []
