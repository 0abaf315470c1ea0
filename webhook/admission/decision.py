"""The decision about one object."""

import msgspec

from webhook.admission.patch import Patch
from webhook.admission.reason import Outcome, Reason


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What is done with one object, and why."""

    reason: Reason
    patch: Patch | None = None
    """The change, present exactly when the outcome is ``patched``."""
    warning: str = ""
    """A sentence for the person who made the request; empty where nobody could act on it.

    At most 120 characters, as the API server's own documentation of warnings asks.
    """

    @property
    def outcome(self) -> Outcome:
        """The outcome that the reason leads to."""
        return self.reason.outcome
