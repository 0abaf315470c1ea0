"""Lines that a stranger could cause without end: some of them are written, the others counted."""

from webhook.server.rejections import Throttle


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def test_ten_lines_a_minute_and_then_how_many_were_left_out() -> None:
    """The first line after a minute says what happened meanwhile."""
    clock = Clock()
    throttle = Throttle(clock=clock)
    admitted = [throttle.admits("a") for _ in range(25)]
    clock.now += 59.9
    late = throttle.admits("a")
    clock.now += 0.1
    next_minute = [throttle.admits("a"), throttle.admits("a")]

    assert admitted == [0] * 10 + [None] * 15
    assert late is None
    assert next_minute == [16, 0]


def test_kinds_do_not_hide_each_other() -> None:
    """Many of one kind leave the lines of another."""
    throttle = Throttle(clock=Clock())
    for _ in range(100):
        throttle.admits("a")

    assert throttle.admits("b") == 0
