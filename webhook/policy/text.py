"""The policies as YAML, with comments that say what they need and where they fall short."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

import yaml

from webhook.policy.cel import of_rule
from webhook.policy.choices import ApiVersion, Choices
from webhook.policy.objects import SUBJECTS, Json, Subject, mutating, reporting

_WIDTH: Final = 98
"""Characters of a comment's line, without the sign that it begins with."""

NEEDS: Final = {
    ApiVersion.V1.value: "Needs Kubernetes 1.36 or later.",
    ApiVersion.V1BETA1.value: (
        "Needs Kubernetes 1.34 or 1.35, whose kube-apiserver was started with "
        "--feature-gates=MutatingAdmissionPolicy=true and "
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true."
    ),
}
"""What each version of the kinds of mutating policies asks of a cluster."""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Writes text of several lines as such, and no value by reference."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent_text)


def mutating_text(choices: Choices, subjects: Sequence[Subject] = SUBJECTS) -> Iterator[str]:
    """Write the policies that give the settings.

    Args:
        choices: What the admin chose.
        subjects: What for.

    Yields:
        A document each, the comments before it.
    """
    for subject in subjects:
        policy, binding = mutating(subject, choices)
        what = f"{subject.mutation.member[-1]}: {subject.mutation.value}"
        needs = NEEDS.get(choices.api_version, "")
        says = f"Gives {subject.resource} their {what}. {needs}".strip()
        yield comment(says, *differences(subject)) + dump(policy)
        yield dump(binding)


def reporting_text(choices: Choices, subjects: Sequence[Subject] = SUBJECTS) -> Iterator[str]:
    """Write the policies that report what lacks the settings.

    Args:
        choices: What the admin chose.
        subjects: What for.

    Yields:
        A document each, the comments before it.
    """
    for subject in subjects:
        policy, binding = reporting(subject, choices)
        yield (
            comment(
                f"Reports {subject.resource} that were created without the setting although the "
                "rules are for it, by a warning and in the audit log. Denies nothing.",
                *differences(subject),
            )
            + dump(policy)
        )
        yield dump(binding)


def differences(subject: Subject) -> list[str]:
    """Say in what the policies differ from the webhook.

    Returns:
        A sentence, or several, for each rule that differs.
    """
    rules = (of_rule(subject.rules, rule) for rule in subject.mutation.all_rules)
    return [rule.differs for rule in rules if rule.differs]


def comment(*paragraphs: str) -> str:
    """Write comments, with lines of a length that is read well."""
    lines = (
        line for text in paragraphs for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False)
    )
    return "".join(f"# {line}\n" for line in lines)


def dump(thing: Json) -> str:
    """Write an object."""
    order = ("apiVersion", "kind", "metadata", "spec")
    text: str = yaml.dump(
        {key: thing[key] for key in order}, Dumper=_Dumper, sort_keys=False, width=1000
    )
    return text
