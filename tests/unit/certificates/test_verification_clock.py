"""The clock of those who verify: the API server's, as it told it last."""

import datetime as dt

from webhook.certificates.verification import ApiServerClock

TOLD = dt.datetime(2015, 10, 21, 7, 28, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def test_before_the_first_answer_it_is_the_nodes() -> None:
    """Where nobody tells, the node's own clock is the best there is."""
    clock = ApiServerClock(lambda: 0.0)
    clock.update(None)
    before, now = dt.datetime.now(dt.UTC), clock.now()

    assert before <= now <= dt.datetime.now(dt.UTC)


def test_it_goes_on_between_answers() -> None:
    """Time that passes is added by a clock that never jumps, and the next answer counts instead."""
    seconds = 100.0
    clock = ApiServerClock(lambda: seconds)
    clock.update(TOLD)
    seconds = 103.5
    clock.update(None)
    assert clock.now() == TOLD + 3.5 * SECOND
    clock.update(TOLD + 60 * SECOND)
    assert clock.now() == TOLD + 60 * SECOND
