"""Whether what we follow is current, for the alert and for the reader of the log."""

import enum
from typing import Final

import structlog
from prometheus_client import Gauge

from webhook.cluster import ClusterError, Forbidden, NotFound

log = structlog.get_logger(__name__)


class _State(enum.StrEnum):
    """What was last said in the log, and how."""

    STARTING = "starting"
    SYNCED = "synced"
    RESTORED = "restored"
    LOST = "lost"
    FORBIDDEN = "forbidden"
    ABSENT = "absent"


_LOST: Final = {Forbidden: _State.FORBIDDEN, NotFound: _State.ABSENT}
"""What has an event of its own."""


class Health:
    """One gauge, and one line in the log where something changes."""

    def __init__(self, followed: str, synced: Gauge) -> None:
        """Begin with nothing said.

        Args:
            followed: What is followed, a word for the names of the log's events.
            synced: Becomes 1 while it is current, 0 while it may be stale.
        """
        self._followed = followed
        self._synced = synced
        self._state = _State.STARTING
        self._was_synced = False

    def current(self, count: int) -> None:
        """Note that list and watch follow the cluster.

        Args:
            count: Objects in memory.
        """
        self._synced.set(1)
        if self._state in {_State.SYNCED, _State.RESTORED}:
            return
        self._state = _State.RESTORED if self._was_synced else _State.SYNCED
        self._was_synced = True
        event = f"{self._followed}-{self._state}"
        log.info(event, count=count)

    def lost(self, error: ClusterError) -> None:
        """Note that they no longer do.

        Args:
            error: Why; a right that is missing is somebody's to grant, so it has its own event, and
                a resource that is not served may be so on purpose.
        """
        self._synced.set(0)
        state = next((state for kind, state in _LOST.items() if isinstance(error, kind)), None)
        state = state or _State.LOST
        if self._state is not state:
            self._state = state
            event = f"{self._followed}-{state}"
            tell = log.info if state is _State.ABSENT else log.warning
            tell(event, error=str(error))
