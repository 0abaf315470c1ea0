"""Every rule of the webhook has its expression in CEL, or a sentence why it has none."""

import dataclasses
import inspect
import re

import pytest

from webhook.admission.options import Options
from webhook.admission.registry import MUTATIONS
from webhook.policy.cel import COMMON, InCel, conditional, literal, of_rule
from webhook.policy.choices import WITHOUT_MEANING, Choices
from webhook.policy.objects import SUBJECTS, Subject, variables

each_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda each: each.resource)


def test_every_mutation_has_policies() -> None:
    """Whatever the webhook sets, there are policies that set it."""
    assert [subject.mutation for subject in SUBJECTS] == list(MUTATIONS)


@each_subject
def test_every_rule_has_an_entry(subject: Subject) -> None:
    """A rule without CEL and without a reason for that is an error, and so is an entry too many."""
    rules = {getattr(rule, "__func__", rule) for rule in subject.mutation.all_rules}

    assert rules == {*subject.rules, *COMMON}
    assert all(entry.answers or entry.differs for entry in subject.rules.values())


@each_subject
def test_reasons_are_those_of_the_rule(subject: Subject) -> None:
    """An entry gives the reasons that its rule names; fewer only where it says that it differs."""
    for rule in subject.mutation.all_rules:
        entry = of_rule(subject.rules, rule)
        _, _, section = inspect.cleandoc(rule.__doc__ or "").partition("Reason:\n")
        named = set(re.findall("``([a-z0-9-]+)``", section.partition("\n\n")[0]))
        given = {reason.value for reason, _ in entry.answers}

        assert given <= named
        assert given == named or entry.differs


def test_rule_without_an_entry() -> None:
    """A rule that nobody has put into CEL cannot be left out by mistake."""
    with pytest.raises(KeyError):
        of_rule(SUBJECTS[0].rules, len)


def test_every_option_has_a_variable_that_is_read() -> None:
    """An option that no expression reads would be a flag without effect."""
    choices = Choices.of(Options())
    read = set().union(*(variables(subject, choices) for subject in SUBJECTS))
    options = {field.name for field in dataclasses.fields(Options)}

    assert len(choices.variables) == len(options) - len(WITHOUT_MEANING)
    assert set(choices.variables) <= read


@each_subject
def test_variables_are_defined_before_they_are_read(subject: Subject) -> None:
    """A variable may read those above it only, and each but the last is read."""
    made = list(variables(subject, Choices.of(Options())).items())
    for number, (_, expression) in enumerate(made):
        above = {name for name, _ in made[:number]}
        assert set(re.findall(r"variables\.(\w+)", expression)) <= above
    everything = " ".join(expression for _, expression in made)
    assert set(re.findall(r"variables\.(\w+)", everything)) == {name for name, _ in made[:-1]}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "'a'"),
        ("it's", '"it\'s"'),
        ("a\\b", '"a\\\\b"'),
        ("a\nb", '"a\\nb"'),
        ("\U0001f600'", '"\U0001f600\'"'),
        (False, "false"),
        (["a", "b"], '["a","b"]'),
    ],
)
def test_literal(value: object, written: str) -> None:
    """Texts, booleans and lists are written as CEL has them."""
    assert literal(value) == written


def test_conditional() -> None:
    """The first condition that is true decides."""
    assert conditional([("a", "1"), ("b", "2")], "3") == "a ? 1 :\nb ? 2 :\n3"


def test_rule_that_never_applies() -> None:
    """What CEL cannot tell has no answer, and a sentence."""
    assert InCel.none("Why.").expression == "''"
    assert InCel.none("Why.").differs == "Why."
