"""How often the same thing is worth a line of the log, where a stranger decides how often it is."""

import time
from collections.abc import Callable
from typing import Final

_LINES: Final = 10
_WINDOW: Final = 60.0
"""So many lines of a kind in so many seconds: enough to see who it is and that it goes on."""


class Throttle:
    """Counts lines by their kind.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[str, tuple[float, int]] = {}
        """When the window began, and how often it happened since."""

    def admits(self, kind: str) -> int | None:
        """Ask whether a line may be written.

        Args:
            kind: One of a few; each is remembered.

        Returns:
            ``None``: it may not. Else how many were left out before it.
        """
        now = self._clock()
        began, count = self._kinds.get(kind, (now, 0))
        left_out = 0
        if now - began >= _WINDOW:
            left_out = max(0, count - _LINES)
            began, count = now, 0
        self._kinds[kind] = began, count + 1
        return left_out if count < _LINES else None
