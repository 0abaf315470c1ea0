"""The decision about one object."""

import msgspec

from webhook.admission.patch import Patch
from webhook.admission.reason import Outcome, Reason, Sees


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What is done with one object, and why."""

    reason: Reason
    patch: Patch | None = None
    """The change, present exactly when the outcome is ``patched``."""
    warning: str = ""
    """A sentence for the person who made the request; empty where nobody could act on it.

    At most 120 characters, as the API server's own documentation of warnings asks.
    """

    differs: Sees | None = None
    """Whom the application sees, where that is not what the reason says of most objects."""

    @property
    def sees(self) -> Sees | None:
        """Whom the application sees; ``None`` where the reason says nothing about the object."""
        return self.differs or self.reason.sees

    @property
    def outcome(self) -> Outcome:
        """The outcome that the reason leads to."""
        return self.reason.outcome
