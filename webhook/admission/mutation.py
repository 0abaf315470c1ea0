"""How a mutation is described, and how its rules are run.

A mutation is one member that objects of one kind get, the half of the product that it belongs to,
and rules in the order in which they are asked. A rule is a function; a mutation is a module beside
``pods`` and ``services``, registered in ``answer``. docs/extending.md adds one of each.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from webhook.admission.decision import CommonReason, Decision, Outcome, Patch, Reason, Sees
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
    """The object as it comes."""
    old_object: T | None
    """The object as it is stored; ``None`` on CREATE."""
    namespace: Labels | None
    """Labels of the object's namespace.

    ``None`` where they are not known: then the API server's ``namespaceSelector``, which has
    matched, is trusted.
    """
    options: Options
    """What the admin chose."""
    namespace_name: str = ""
    """Name of the object's namespace."""
    sidecars: Sidecars = NO_SIDECARS
    """The mesh's Sidecar resources, as far as they are known."""

    labels: Labels = {}
    """The object's labels; read from it, as the next."""
    annotations: dict[str, str] = {}
    """The object's annotations."""

    def __post_init__(self) -> None:
        """Read once what nearly every rule looks at."""
        metadata = self.object.metadata
        if metadata.labels:
            msgspec.structs.force_setattr(self, "labels", metadata.labels)
        if metadata.annotations:
            msgspec.structs.force_setattr(self, "annotations", metadata.annotations)


Rule = Callable[[Case[T]], Decision | None]
"""A rule: the decision if it applies, ``None`` to ask the next one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutation(Generic[T]):
    """One member that objects of one kind get, and the rules that hold it back."""

    kind: type[T]
    """The kind of object; :attr:`GROUP_KIND` of the struct names it on the wire."""
    half: Half
    """What the namespace's label must ask for."""
    operations: frozenset[str]
    """Operations at which the change still takes effect."""
    reasons: type[Reason]
    """The reasons that the rules give, besides those that all kinds share."""
    rules: tuple[Rule[T], ...]
    """In the order in which they are asked, after those that hold for every kind."""
    member: tuple[str, ...]
    """The member that is added: names from the object's root, at least two."""
    value: str
    """What the member is set to."""
    has_parent: Callable[[T], bool]
    """Whether the object has the mapping that the member stands in; else the patch adds it too.

    What that mapping stands in must always be there, as ``metadata`` and ``spec`` are.
    """
    sees_patched: Sees
    """Whom the application sees where the member is set."""
    sees_unpatched: Sees
    """Whom the application sees where nothing but the member is missing."""
    caution: Callable[[Case[T]], str] = lambda _: ""
    """What a person should know although the object gets its patch; empty if nothing."""

    # A cached property writes into the instance's __dict__, which a frozen dataclass does not keep
    # it from (seen on CPython 3.11).
    @functools.cached_property
    def all_rules(self) -> tuple[Rule[T], ...]:
        """The rules in order, those first that hold for every kind."""
        return (self.opted_in, not_opted_out, *self.rules)

    @functools.cached_property
    def _patch(self) -> Patch:
        return Patch.add(*self.member, value=self.value)

    @functools.cached_property
    def _patch_with_parent(self) -> Patch:
        *parent, name = self.member
        return Patch.add(*parent, value={name: self.value})

    def decide(self, case: Case[T]) -> Decision:
        """Run the rules in order; an object that none of them holds back gets the patch.

        Args:
            case: The object, and what else the rules may look at.
        """
        for rule in self.all_rules:
            decision = rule(case)
            if decision is not None:
                return decision
        # ``add`` applies only where its parent is (RFC 6902 section 4.1).
        patch = self._patch if self.has_parent(case.object) else self._patch_with_parent
        return Decision(CommonReason.ADDED, patch, no_opt_out(case) or self.caution(case))

    def sees(self, case: Case[T]) -> Sees:
        """Tell whom the application sees once the object is as :meth:`decide` leaves it.

        The reason of a rule may say nothing about the object (``namespace-not-opted-in``); then the
        first of the later rules that applies tells what the object is like.

        Args:
            case: The object, and what else the rules may look at.
        """
        held_back = False
        for rule in self.all_rules:
            decision = rule(case)
            if decision is None:
                continue
            if decision.sees is not None:
                return decision.sees
            if decision.outcome is Outcome.UNCHANGED:
                return self.sees_patched
            held_back = True
        return self.sees_unpatched if held_back else self.sees_patched

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
    """Warn of an opt-out label with a value that opts nothing out; empty where there is none."""
    value = case.labels.get(case.options.label_key)
    if value in {None, Mode.ENABLED}:  # the latter says what happens anyway
        return ""
    said = ascii(value)[:_QUOTE]  # webhooks are asked before labels are validated
    return f"the opt-out label of this object says {said}; only 'disabled' opts it out"
