"""How a mutation is described, and how its rules are run.

A mutation is a kind of object, the half of the product it belongs to, its rules in order and the
patch for an object that no rule holds back. Adding a rule is adding a function to a list; adding a
mutation is adding a module beside ``pods`` and ``services`` and naming it in ``answer``.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from webhook.admission.decision import CommonReason, Decision, Patch, Reason, Sees
from webhook.admission.options import Options
from webhook.admission.review import Pod, Service
from webhook.admission.sidecars import NO_SIDECARS, Sidecars
from webhook.labels import Half, Labels, Mode, mode_of, opted_out

T = TypeVar("T", bound=Pod | Service)
_QUOTE = 40
"""Characters of a label's value that a warning quotes: it has room for 120 in all."""


class Case(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """Everything that a rule may look at."""

    object: T
    old_object: T | None
    """The object as it is stored; ``None`` on CREATE."""
    namespace: Labels | None
    """Labels of the object's namespace.

    ``None`` where nobody could tell them: then the API server's ``namespaceSelector``, which has
    matched, is trusted.
    """
    options: Options
    namespace_name: str = ""
    sidecars: Sidecars = NO_SIDECARS
    """The mesh's Sidecar resources, as far as they are known."""

    @property
    def labels(self) -> Labels:
        """The object's labels."""
        return self.object.metadata.labels or {}

    @property
    def annotations(self) -> dict[str, str]:
        """The object's annotations."""
        return self.object.metadata.annotations or {}


Rule = Callable[[Case[T]], Decision | None]
"""A rule: the decision if it applies, ``None`` to ask the next one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutation(Generic[T]):
    """One kind of object that we change."""

    kind: type[T]
    half: Half
    operations: frozenset[str]
    """Operations at which the change still takes effect."""
    reasons: type[Reason]
    """The reasons that the rules give, besides those that all kinds share."""
    rules: tuple[Rule[T], ...]
    patch: Callable[[T], Patch]
    unmended: Sees
    """Whom the application sees where nothing but the patch is missing."""
    caution: Callable[[Case[T]], str] = lambda _: ""
    """What a person should know although the object gets its patch."""

    @functools.cached_property
    def all_rules(self) -> tuple[Rule[T], ...]:
        """The rules in order, those first that hold for every kind."""
        return (self.opted_in, not_opted_out, *self.rules)

    def decide(self, case: Case[T]) -> Decision:
        """Run the rules in order; an object that none of them holds back gets the patch."""
        for rule in self.all_rules:
            decision = rule(case)
            if decision is not None:
                return decision
        caution = no_opt_out(case) or self.caution(case)
        return Decision(CommonReason.ADDED, self.patch(case.object), caution)

    def sees(self, case: Case[T]) -> Sees:
        """Tell whom the application sees once the object has got what :meth:`decide` gives it.

        A rule may hold an object back without a look at it, as a namespace that has not opted in;
        then the first of the others that applies tells what the object is like.
        """
        held_back = False
        for rule in self.all_rules:
            decision = rule(case)
            if decision is not None and decision.sees is not None:
                return decision.sees
            held_back = held_back or decision is not None
        return self.unmended if held_back else Sees.CLIENT

    def opted_in(self, case: Case[T]) -> Decision | None:
        """The namespace must ask for this half.

        The API server has asked the ``namespaceSelector`` already; asking again means that a wrong
        selector can never widen the opt-in.

        Reason:
            ``namespace-not-opted-in``

        Source:
            README, Opting in, and out.
        """
        if case.namespace is None:
            return None
        if mode_of(case.namespace, case.options.label_key).includes(self.half):
            return None
        return Decision(CommonReason.NAMESPACE_NOT_OPTED_IN)


def not_opted_out(case: Case[T]) -> Decision | None:
    """An object whose own label says ``disabled`` is left alone.

    Reason:
        ``opted-out``

    Source:
        README, Opting in, and out.
    """
    if opted_out(case.labels, case.options.label_key):
        return Decision(CommonReason.OPTED_OUT)
    return None


def no_opt_out(case: Case[T]) -> str:
    """Say that a label was meant to opt the object out, and does not; empty where it was not."""
    value = case.labels.get(case.options.label_key)
    if value in {None, Mode.ENABLED}:  # the latter says what happens anyway
        return ""
    said = ascii(value)[:_QUOTE]  # webhooks are asked before labels are validated
    return f"the opt-out label of this object says {said}; only 'disabled' opts it out"
