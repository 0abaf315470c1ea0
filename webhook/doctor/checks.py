"""What a check is, and what it says: its status, the evidence for it, and what mends it."""

import dataclasses
import enum
from collections.abc import Callable, Iterable
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")


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
    needs: tuple[str, ...] = ()
    """The rights that it takes, where it could not be told because one is missing."""


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
    needs: tuple[str, ...] = ()


class Right(NamedTuple):
    """What a check has to be allowed to do."""

    verb: str
    resource: str
    """Its plural, or a path such as ``/metrics``."""
    group: str = ""
    name: str = ""
    """The only object that it is for; empty: all of them."""

    def __str__(self) -> str:
        """Spell it as ``kubectl auth can-i`` takes it."""
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group}" + (f"/{self.name}" if self.name else "")


LIST_CONFIGURATIONS: Final = Right(
    "list", "mutatingwebhookconfigurations", "admissionregistration.k8s.io"
)
"""What every check needs that begins with the webhook's own configuration."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Generic[T]):
    """One check: what is looked at, why, and how."""

    name: str
    """Its word."""

    area: Area
    """What it is about."""

    about: str
    """What it looks at, and when all is well, for docs/doctor.md."""

    why: str
    """Why it matters, one sentence."""

    cure: str
    """What mends it, one sentence."""

    rights: tuple[Right, ...]
    """What it reads or tries."""

    ask: Callable[[T], Iterable[Verdict]]
    """Makes the check from what was read; raises :class:`webhook.cluster.ClusterError`."""

    webhook: bool = False
    """Whether there is nothing to check without our MutatingWebhookConfiguration."""


def well(sentence: str, *evidence: str) -> Verdict:
    """Say that something is as it should be."""
    return Verdict(Status.OK, sentence, evidence)


def warning(sentence: str, *evidence: str, cure: str) -> Verdict:
    """Say that something will hurt, or means that less is in force than somebody thinks."""
    return Verdict(Status.WARNING, sentence, evidence, cure)


def failed(sentence: str, *evidence: str, cure: str) -> Verdict:
    """Say that something does not do what it is there for."""
    return Verdict(Status.FAILED, sentence, evidence, cure)


def unknown(sentence: str, *evidence: str, cure: str = "", needs: tuple[str, ...] = ()) -> Verdict:
    """Say that nobody can tell."""
    return Verdict(Status.UNKNOWN, sentence, evidence, cure, needs)
