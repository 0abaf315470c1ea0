"""For how long something has been seen, by a clock that never jumps."""

import datetime as dt
from collections.abc import Iterable


class Sightings:
    """Remembers since when each thing has been there at every look.

    What is there again at the next look counts as having been there between the two. While a
    machine sleeps the monotonic clock stands still: that makes a wait longer, and never shorter.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def ages(self, present: Iterable[str], at: float) -> dict[str, dt.timedelta]:
        """Note what is there now, and tell for how long it has been.

        Args:
            present: Names of what is there. Everything else is forgotten.
            at: Seconds of a monotonic clock.
        """
        self._since = {name: self._since.get(name, at) for name in present}
        return {name: dt.timedelta(seconds=at - since) for name, since in self._since.items()}
