"""The clock of those who verify: the API server's, as it told it last."""

import datetime as dt

from webhook.certificates.verification import Clock

TOLD = dt.datetime(2015, 10, 21, 7, 28, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def test_before_the_first_answer_it_is_the_nodes() -> None:
    """Where nobody tells, the node's own clock is the best there is."""
    clock = Clock(lambda: 0.0)
    clock.told(None)
    before, now = dt.datetime.now(dt.UTC), clock.now()

    assert before <= now <= dt.datetime.now(dt.UTC)


def test_it_goes_on_between_answers() -> None:
    """Time that passes is added by a clock that never jumps, and the next answer counts instead."""
    seconds = 100.0
    clock = Clock(lambda: seconds)
    clock.told(TOLD)
    seconds = 103.5
    clock.told(None)
    assert clock.now() == TOLD + 3.5 * SECOND
    clock.told(TOLD + 60 * SECOND)
    assert clock.now() == TOLD + 60 * SECOND
