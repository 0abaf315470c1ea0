"""What servers say of their own time is read from their metrics."""

import pytest

from benchmarks.cluster.clocks import Clock, means, read

EXPOSITION = """\
# HELP calls_seconds [STABLE] How long calls took.
# TYPE calls_seconds histogram
calls_seconds_bucket{name="a.example.org",operation="CREATE",le="0.005"} 3
calls_seconds_bucket{name="a.example.org",operation="CREATE",le="+Inf"} 4
calls_seconds_sum{name="a.example.org",operation="CREATE"} 0.5
calls_seconds_count{name="a.example.org",operation="CREATE"} 4
calls_seconds_sum{name="a.example.org",operation="UPDATE"} 0.25
calls_seconds_count{name="a.example.org",operation="UPDATE"} 1
calls_seconds_sum{name="b.example.org",operation="CREATE"} 2.5e-05
calls_seconds_count{name="b.example.org",operation="CREATE"} 1
# TYPE other_calls_seconds histogram
other_calls_seconds_sum{name="a.example.org"} 7
other_calls_seconds_count{name="a.example.org"} 7
"""


def test_histogram_is_added_up() -> None:
    """Sum and count are added over all labels but one; other histograms are not looked at."""
    found = read(EXPOSITION, "calls_seconds", "name")

    assert found == {"a.example.org": Clock(0.75, 5), "b.example.org": Clock(2.5e-05, 1)}


def test_histogram_that_is_not_there() -> None:
    """What was never called is in no metrics."""
    assert read(EXPOSITION, "calls", "name") == {}


def test_mean_is_of_what_happened_between() -> None:
    """Only what was called between two readings has a mean, also when it is new."""
    before = {"a": Clock(1.0, 10), "b": Clock(5.0, 5)}
    after = {"a": Clock(1.5, 20), "b": Clock(5.0, 5), "c": Clock(0.25, 5)}

    assert means(before, after) == pytest.approx({"a": 0.05, "c": 0.05})
