"""What a check says: its status, the evidence for it, and what mends it."""

import enum
from typing import NamedTuple

import msgspec


class Status(enum.StrEnum):
    """The result of one check."""

    OK = "OK"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "could not tell"


class Area(enum.StrEnum):
    """What a check is about, in the order in which they are made."""

    INSTALLATION = "installation"
    NAMESPACES = "namespaces"
    MESH = "mesh"
    NETWORK = "network"
    PROBE = "probe"
    API_SERVER = "api-server"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    """Its word, such as ``order``."""
    area: str
    """One of :class:`Area`."""
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


class Verdict(NamedTuple):
    """What a check's function found; its name and area are added by whoever calls it."""

    status: Status
    sentence: str
    evidence: tuple[str, ...] = ()
    cure: str = ""


def well(sentence: str, *evidence: str) -> Verdict:
    """Say that something is as it should be."""
    return Verdict(Status.OK, sentence, evidence)


def warning(sentence: str, *evidence: str, cure: str) -> Verdict:
    """Say that something will hurt, or means that less is in force than somebody thinks."""
    return Verdict(Status.WARNING, sentence, evidence, cure)


def failed(sentence: str, *evidence: str, cure: str) -> Verdict:
    """Say that something does not do what it is there for."""
    return Verdict(Status.FAILED, sentence, evidence, cure)


def unknown(sentence: str, *evidence: str, cure: str = "") -> Verdict:
    """Say that nobody can tell."""
    return Verdict(Status.UNKNOWN, sentence, evidence, cure)
