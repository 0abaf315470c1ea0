"""Outcome, reason and decision: the words that logs, metrics, audit and preview share."""

import enum
from typing import Self

import msgspec

from webhook.admission.patch import Patch


class Outcome(enum.StrEnum):
    """What became of one object."""

    PATCHED = "patched"
    """The setting was added."""

    UNCHANGED = "unchanged"
    """The object has the setting already."""

    SKIPPED = "skipped"
    """The setting was not asked for, or would not help here."""

    CONFLICT = "conflict"
    """A person chose another value, which is respected."""


class Reason(enum.StrEnum):
    """Why an object got its outcome: one reason per rule, each with the outcome it leads to."""

    outcome: Outcome
    sentence: str

    def __new__(cls, value: str, outcome: Outcome, sentence: str) -> Self:
        """Make a member that is its own code and carries its outcome and its sentence."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.outcome = outcome
        member.sentence = sentence
        return member

    ADDED = "added", Outcome.PATCHED, "the setting was missing and has been added"
    ALREADY_SET = "already-set", Outcome.UNCHANGED, "the object has the setting already"

    UNSUPPORTED_KIND = (
        "unsupported-kind",
        Outcome.SKIPPED,
        "only Pods and Services are changed",
    )
    UNSUPPORTED_OPERATION = (
        "unsupported-operation",
        Outcome.SKIPPED,
        "this operation comes too late, or is too early, for the setting to take effect",
    )
    NAMESPACE_NOT_OPTED_IN = (
        "namespace-not-opted-in",
        Outcome.SKIPPED,
        "the namespace's label does not ask for it",
    )
    OPTED_OUT = "opted-out", Outcome.SKIPPED, "the object's label asks to be left alone"

    ALREADY_INJECTED = (
        "already-injected",
        Outcome.SKIPPED,
        "the sidecar is in the pod already and would not follow the annotation",
    )
    HOST_NETWORK = (
        "host-network",
        Outcome.SKIPPED,
        "Istio does not inject pods of the host network, so they see their clients anyway",
    )
    EXPLICIT_MODE = (
        "explicit-mode",
        Outcome.CONFLICT,
        "the pod asks for another interception mode",
    )
    INVALID_MODE = (
        "invalid-mode",
        Outcome.CONFLICT,
        "the pod's interception mode is none that Istio knows",
    )

    NOT_LOAD_BALANCER = (
        "not-load-balancer",
        Outcome.SKIPPED,
        "only Services of type LoadBalancer lose their clients to kube-proxy's source NAT here",
    )
    TYPE_UNCHANGED = (
        "type-unchanged",
        Outcome.SKIPPED,
        "the Service was a load balancer before, and its policy is a person's to change",
    )
    EXPLICIT_CLUSTER = (
        "explicit-cluster",
        Outcome.CONFLICT,
        "the Service's author asked for externalTrafficPolicy: Cluster",
    )


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
