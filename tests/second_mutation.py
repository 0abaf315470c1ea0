"""A second mutation of Pods and one of Services, for the tests of how several work together."""

import pytest

from webhook.admission import answer, pods, registry, services
from webhook.admission.decision import CommonReason, Decision, Reason, Sees
from webhook.admission.mutation import Case, Mutation
from webhook.admission.review import Pod, Service
from webhook.labels import Half

ANNOTATION = "example.org/second"
WARNING = "the second mutation has a word to say"


def already_set(case: Case[Pod]) -> Decision | None:
    """A pod that has the annotation needs nothing."""
    return Decision(CommonReason.ALREADY_SET) if ANNOTATION in case.annotations else None


SECOND = Mutation(
    kind=Pod,
    half=Half.EAST_WEST,
    operations=frozenset({"CREATE", "UPDATE"}),
    reasons=Reason,
    rules=(already_set,),
    member=("metadata", "annotations", ANNOTATION),
    value="true",
    has_parent=lambda pod: pod.metadata.annotations is not None,
    sees_patched=Sees.NOTHING,
    sees_unpatched=Sees.NOTHING,
    caution=lambda _: WARNING,
)
SECOND_OF_SERVICES = Mutation(
    kind=Service,
    half=Half.NORTH_SOUTH,
    operations=frozenset({"CREATE"}),
    reasons=Reason,
    rules=(),
    member=("spec", "internalTrafficPolicy"),
    value="Local",
    has_parent=lambda _: True,
    sees_patched=Sees.NOTHING,
    sees_unpatched=Sees.NOTHING,
)


def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register them beside the product's own, for the length of a test."""
    mutations = (pods.MUTATION, SECOND, services.MUTATION, SECOND_OF_SERVICES)
    monkeypatch.setattr(answer, "KINDS", registry.register(mutations))
