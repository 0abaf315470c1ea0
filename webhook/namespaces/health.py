"""Whether the labels are current, for the alert and for the reader of the log."""

import enum

import structlog
from prometheus_client import Gauge

from webhook.cluster import ClusterError, Forbidden

log = structlog.get_logger(__name__)


class _State(enum.StrEnum):
    """What was last said in the log, and how."""

    STARTING = "namespaces-starting"
    SYNCED = "namespaces-synced"
    RESTORED = "namespaces-restored"
    LOST = "namespaces-lost"
    FORBIDDEN = "namespaces-forbidden"


class Health:
    """One gauge, and one line in the log where something changes."""

    def __init__(self, synced: Gauge) -> None:
        """Begin with nothing said.

        Args:
            synced: Becomes 1 while the labels are current, 0 while they may be stale.
        """
        self._synced = synced
        self._state = _State.STARTING
        self._was_synced = False

    def current(self, count: int) -> None:
        """Note that list and watch follow the cluster.

        Args:
            count: Namespaces in memory.
        """
        self._synced.set(1)
        if self._state in {_State.SYNCED, _State.RESTORED}:
            return
        self._state = _State.RESTORED if self._was_synced else _State.SYNCED
        self._was_synced = True
        log.info(self._state, count=count)

    def lost(self, error: ClusterError) -> None:
        """Note that they no longer do.

        Args:
            error: Why; a right that is missing is somebody's to grant, so it has its own event.
        """
        self._synced.set(0)
        state = _State.FORBIDDEN if isinstance(error, Forbidden) else _State.LOST
        if self._state is not state:
            self._state = state
            log.warning(self._state, error=str(error))
