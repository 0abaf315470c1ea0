"""Whether this process should get requests."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(slots=True)
class Readiness:
    """The conditions of readiness, by name, and whether the process is on its way out."""

    checks: dict[str, Callable[[], bool]]
    """What has to hold; the names are what ``/readyz`` says when something does not."""

    draining: bool = False
    """Set while draining: not ready any more, still answering, and ending every connection."""

    def missing(self) -> list[str]:
        """Name what is missing; an empty list means ready."""
        missing = [name for name, holds in self.checks.items() if not holds()]
        return [*missing, "draining"] if self.draining else missing
