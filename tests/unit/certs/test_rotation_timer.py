"""For how long a condition has been true: without a break, and by the caller's clock."""

import datetime as dt

from certs.rotation import ConditionTimer


def seconds(number: float) -> dt.timedelta:
    """Spell a length of time."""
    return dt.timedelta(seconds=number)


def test_first_observation_is_the_beginning() -> None:
    """What is new has been true for no time at all, however late the clock is."""
    assert ConditionTimer().durations(["a", "b"], 1e9) == {"a": seconds(0), "b": seconds(0)}


def test_duration_grows_while_it_is_true() -> None:
    """Each condition has a duration of its own, from its own first observation."""
    timer = ConditionTimer()
    timer.durations(["a"], 100.0)
    timer.durations(["a", "b"], 110.5)

    assert timer.durations(["a", "b"], 130.0) == {"a": seconds(30), "b": seconds(19.5)}


def test_what_is_gone_is_forgotten() -> None:
    """Durations are told of what is true now, and what comes back begins anew."""
    timer = ConditionTimer()
    timer.durations(["a", "b"], 0.0)

    assert timer.durations(["b"], 10.0) == {"b": seconds(10)}
    assert timer.durations(["a", "b"], 20.0) == {"a": seconds(0), "b": seconds(20)}


def test_nothing_there_is_nothing_told() -> None:
    """An observation of nothing forgets everything."""
    timer = ConditionTimer()
    timer.durations(["a"], 0.0)

    assert timer.durations([], 10.0) == {}
    assert timer.durations(iter(["a"]), 10.0) == {"a": seconds(0)}
