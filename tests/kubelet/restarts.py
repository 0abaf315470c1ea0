"""Whether and when a container runs again, and what became of its runs so far."""

import datetime as dt
from typing import Any

JsonObject = dict[str, Any]

_CAP = 10
"""Longest back-off, in first back-offs; a kubelet's are 10 s to 300 s."""


def timestamp(seconds: float) -> str:
    """Return a time, in seconds since the epoch, as the API writes it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Restarts:
    """The runs of one container.

    Attributes:
        runs: how many have begun.
        over: whether no other one is to begin.
    """

    def __init__(self, policy: str, backoff_seconds: float) -> None:
        """Know that there was no run yet.

        Args:
            policy: the Pod's restartPolicy.
            backoff_seconds: between the second run and the third, from where it doubles; the second
                follows the first at once, as kubelet has it.
        """
        self.runs = 0
        self.over = False
        self._policy = policy
        self._backoff_seconds = backoff_seconds
        self._next = 0.0
        self._started = ""
        self._running = False
        self._last: JsonObject = {}

    def due(self, now: float) -> bool:
        """Tell whether a run is to begin.

        Args:
            now: on the monotonic clock, in seconds.
        """
        return not self.over and not self._running and now >= self._next

    def begun(self, at: float) -> None:
        """Note that a run has begun.

        Args:
            at: in seconds since the epoch.
        """
        self.runs += 1
        self._running = True
        self._started = timestamp(at)

    def ended(self, code: int, now: float) -> None:
        """Note that a run has ended.

        Args:
            code: its exit code.
            now: on the monotonic clock, in seconds.
        """
        self._running = False
        self._last = {
            "exitCode": code,
            "reason": "Error" if code else "Completed",
            "startedAt": self._started,
            "finishedAt": timestamp(dt.datetime.now(dt.UTC).timestamp()),
        }
        if self._policy == "Never" or (self._policy == "OnFailure" and code == 0):
            self.over = True
        factor = min(2 ** (self.runs - 2), _CAP) if self.runs > 1 else 0
        self._next = now + self._backoff_seconds * factor

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last run, where no other one is to come; else None."""
        return self._last.get("exitCode") if self.over and not self._running else None

    @property
    def state(self) -> JsonObject:
        """What it does at this moment, as its status has it."""
        if self._running:
            return {"running": {"startedAt": self._started}}
        if self.over and self._last:
            return {"terminated": self._last}
        return {"waiting": {"reason": "CrashLoopBackOff" if self.runs else "ContainerCreating"}}

    @property
    def last_state(self) -> JsonObject:
        """How the run before that ended, as its status has it."""
        return {"terminated": self._last} if self._last and "terminated" not in self.state else {}
