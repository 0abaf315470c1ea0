"""For how long something has been there: continuously, and by the caller's clock."""

import datetime as dt

from certs.rotation import Sightings


def seconds(number: float) -> dt.timedelta:
    """Spell a length of time."""
    return dt.timedelta(seconds=number)


def test_first_sight_is_the_beginning() -> None:
    """What is new has been there for no time at all, however late the clock is."""
    assert Sightings().ages(["a", "b"], 1e9) == {"a": seconds(0), "b": seconds(0)}


def test_age_grows_while_it_is_there() -> None:
    """Each thing has its own age, from its own first sight."""
    sightings = Sightings()
    sightings.ages(["a"], 100.0)
    sightings.ages(["a", "b"], 110.5)

    assert sightings.ages(["a", "b"], 130.0) == {"a": seconds(30), "b": seconds(19.5)}


def test_what_is_gone_is_forgotten() -> None:
    """Ages are told of what is there, and what comes back begins anew."""
    sightings = Sightings()
    sightings.ages(["a", "b"], 0.0)

    assert sightings.ages(["b"], 10.0) == {"b": seconds(10)}
    assert sightings.ages(["a", "b"], 20.0) == {"a": seconds(0), "b": seconds(20)}


def test_nothing_there_is_nothing_told() -> None:
    """An empty look forgets everything."""
    sightings = Sightings()
    sightings.ages(["a"], 0.0)

    assert sightings.ages([], 10.0) == {}
    assert sightings.ages(iter(["a"]), 10.0) == {"a": seconds(0)}
