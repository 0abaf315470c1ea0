"""For how long something has been seen, by a clock that never jumps."""

import datetime as dt
from collections.abc import Iterable


class Sightings:
    """Remembers since when each thing has been there, without a break, whenever we looked.

    A process that was paused saw nothing meanwhile: with the monotonic clock, which stands still
    while a machine sleeps, a wait becomes longer by that and never shorter.
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
