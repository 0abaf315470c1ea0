"""What wrk prints is read; what is missing is said."""

from pathlib import Path

import pytest

from benchmarks import BenchmarkError, wrk
from benchmarks.reviews import REVIEWS
from benchmarks.wrk import Measured
from tests import programs

OUTPUT = """\
Running 2s test @ https://127.0.0.1:20000/mutate?timeout=10s
  1 threads and 16 connections
Requests/sec:    500.00
measured duration_us=2000000 requests=1000 p50_us=1500 p99_us=9000 p999_us=20000 max_us=30000 \
connect=1 read=2 write=3 status=4 timeout=5
"""


def test_figures_are_read() -> None:
    """Latencies become seconds, all errors are added up."""
    assert wrk.parse(OUTPUT) == Measured(
        requests_per_second=500, p50=0.0015, p99=0.009, p999=0.02, requests=1000, errors=15
    )


@pytest.mark.parametrize(
    ("output", "said"),
    [("", "nothing"), (OUTPUT.replace("requests=1000", "requests=0"), "measured duration_us=")],
)
def test_nothing_answered(output: str, said: str) -> None:
    """Where no request was answered, there is nothing to read, and what wrk wrote is shown."""
    with pytest.raises(BenchmarkError, match=r"^wrk got no answer; it wrote: ") as caught:
        wrk.parse(output)

    assert said in str(caught.value)


def test_wrk_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without wrk the command that installs it is said."""
    monkeypatch.setattr(programs, "search_path", lambda: str(tmp_path))

    with pytest.raises(BenchmarkError, match=r"apt-get install .* wrk$"):
        wrk.run(1, REVIEWS["pod-2k"], connections=1, seconds=1)
