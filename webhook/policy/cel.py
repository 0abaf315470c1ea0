"""How a rule is put into CEL: when it speaks, with which word, and where it falls short.

CEL is the language in which the API server evaluates policies. What all expressions of one policy
share is computed once, as a variable of that policy.

Source:
    Kubernetes, Common Expression Language in Kubernetes; google/cel-spec doc/langdef.md.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from webhook.admission.decision import CommonReason, Reason
from webhook.admission.mutation import Mutation, not_opted_out

Rule = Callable[..., Any]
"""A rule's function. One that is a method of its mutation stands for the rule of each of them."""


@dataclasses.dataclass(frozen=True, slots=True)
class InCel:
    """One rule as CEL has it."""

    answers: tuple[tuple[Reason, str], ...] = ()
    """Each reason, and the expression that is true where the rule gives it; the first that is true
    counts. None: CEL cannot tell when the rule applies, so it never does."""
    differs: str = ""
    """In what the policy differs from the rule, in a sentence for admins; empty if in nothing."""

    @classmethod
    def of(cls, *answers: tuple[Reason, str], differs: str = "") -> Self:
        """Put a rule into CEL.

        Args:
            answers: Each reason and its expression, in the order in which they are asked.
            differs: In what the policy differs, if in anything.
        """
        return cls(answers, differs)

    @classmethod
    def none(cls, differs: str) -> Self:
        """Say why a rule cannot be put into CEL.

        Args:
            differs: The sentence.
        """
        return cls((), differs)

    @property
    def expression(self) -> str:
        """The word of the reason that the rule gives, or the empty text."""
        return conditional([(when, literal(reason.value)) for reason, when in self.answers], "''")


def says(reason: Reason, *lines: str) -> tuple[Reason, str]:
    """Write when a rule gives a reason.

    Args:
        reason: The reason.
        lines: The lines of the expression that is true then.
    """
    return reason, "\n".join(lines)


def conditional(cases: list[tuple[str, str]], otherwise: str) -> str:
    """Write a chain of conditionals, a line for each.

    Args:
        cases: Conditions, and what the value is where one is the first that is true.
        otherwise: The value where none is.
    """
    return "\n".join([*(f"{when} ? {value} :" for when, value in cases), otherwise])


def literal(value: object) -> str:
    """Write a text, a boolean, or a list of texts.

    JSON's literals are CEL's, but for the characters beyond the basic plane, which JSON may write
    as two and CEL does not know like that; so none is escaped.
    """
    if isinstance(value, str) and not set(value) & set("'\\\n"):
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def camel(name: str) -> str:
    """Spell a function's name as variables of policies are spelled."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def of_rule(rules: Mapping[Rule, InCel], rule: Rule) -> InCel:
    """Look up a rule.

    Args:
        rules: A table of rules of one kind; those that all kinds share need not be in it.
        rule: The rule's function, as :attr:`Mutation.all_rules` has it.

    Raises:
        KeyError: Nobody has put this rule into CEL, or said why it cannot be.
    """
    function = getattr(rule, "__func__", rule)
    return COMMON[function] if function in COMMON else rules[function]


FACTS: Final = {
    "labels": "object.metadata.?labels.orValue({})",
    "annotations": "object.metadata.?annotations.orValue({})",
    "namespaceLabels": "namespaceObject.metadata.?labels.orValue({})",
}
"""Variables of every policy."""

COMMON: Final[Mapping[Rule, InCel]] = {
    Mutation.opted_in: InCel.of(
        says(
            CommonReason.NAMESPACE_NOT_OPTED_IN,
            "!(variables.namespaceLabels[?variables.labelKey].orValue('') in variables.modes)",
        )
    ),
    not_opted_out: InCel.of(
        says(
            CommonReason.OPTED_OUT,
            "variables.labels[?variables.labelKey].orValue('') == 'disabled'",
        )
    ),
}
"""The rules that hold for every kind."""
