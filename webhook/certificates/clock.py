"""What time it is for whoever verifies us: by the API server's clock, and not by this node's.

A node whose clock is wrong would else call a certificate out of date that every client takes, or
the other way round.
"""

import datetime as dt
import time
from collections.abc import Callable


class Clock:
    """The API server's clock as an answer told it last, carried on by one that never jumps.

    Before the first answer, and where there is no API server, it is this node's.

    Args:
        steady: Monotonic seconds.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._told: tuple[dt.datetime, float] | None = None

    def told(self, date: dt.datetime | None) -> None:
        """Note what an answer tells.

        Args:
            date: With its zone, to the second; ``None``: it told nothing.
        """
        if date is not None:
            self._told = date, self._steady()

    def now(self) -> dt.datetime:
        """Tell the time, with its zone."""
        if self._told is None:
            return dt.datetime.now(dt.UTC)
        date, at = self._told
        return date + dt.timedelta(seconds=self._steady() - at)
