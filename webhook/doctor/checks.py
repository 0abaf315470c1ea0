"""What a check says: its status, the evidence for it, and what mends it."""

import enum

import msgspec


class Status(enum.StrEnum):
    """The result of one check."""

    OK = "OK"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "could not tell"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    """Its word, such as ``order``."""
    area: str
    """``installation``, ``mesh``, ``namespaces``, ``network`` or ``probe``."""
    status: Status
    sentence: str
    """What was found, in words, without a full stop."""
    evidence: tuple[str, ...] = ()
    """Object, field and value, as ``MutatingWebhookConfiguration/x .webhooks[0].failurePolicy:
    Ignore``."""
    cure: str = ""
    """What to do: a command where there is one, else a sentence. Empty where nothing is to do."""


class Report(msgspec.Struct, frozen=True, tag_field="kind", tag="Doctor"):
    """Everything that one run says."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """0 all well, 1 something failed or is warned of, 2 something could not be told."""
        statuses = {check.status for check in self.checks}
        if statuses & {Status.FAILED, Status.WARNING}:
            return 1
        return 2 if Status.UNKNOWN in statuses else 0
