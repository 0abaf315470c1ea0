"""A rule is found where it is asked, with its reasons and its source."""

import inspect
import re
from typing import Any

import pytest

from tests.rules_document import rows
from webhook.admission.mutation import Mutation
from webhook.admission.registry import MUTATIONS

each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.member[-1])


@each_mutation
def test_rules_stand_in_the_order_in_which_they_are_asked(mutation: Mutation[Any]) -> None:
    """Whoever reads a file of rules from top to bottom reads them as they are run."""
    own = [rule for rule in mutation.rules if rule.__module__ == mutation.reasons.__module__]
    lines = [inspect.getsourcelines(rule)[1] for rule in own]

    assert own
    assert lines == sorted(lines)


@each_mutation
def test_docstring_of_a_rule_names_its_reasons(mutation: Mutation[Any]) -> None:
    """One search for a reason's word finds the rule that gives it, and its source."""
    given: dict[str, set[str]] = {}
    for row in rows(mutation):
        given.setdefault(row.rule.__name__, set()).add(str(row.reason))
    named = {
        rule.__name__: set(re.findall("``([a-z0-9-]+)``", _section(rule, "Reason")))
        for rule in mutation.all_rules
    }

    assert named == given
    assert all(_section(rule, "Source") for rule in mutation.all_rules)


def _section(rule: Any, name: str) -> str:
    """Take a section out of a rule's docstring."""
    _, _, section = inspect.cleandoc(rule.__doc__ or "").partition(f"{name}:\n")
    return section.partition("\n\n")[0]
