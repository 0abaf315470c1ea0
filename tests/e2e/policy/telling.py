"""Policies that tell nothing but the reason, of every object that there is.

A module of its own: what is judged here are the variables, apart from all selectors.
"""

from typing import Any

from tests.e2e.policy import wire
from webhook.policy.choices import Choices
from webhook.policy.objects import GROUP, Subject, variables

Json = dict[str, Any]


def telling(subject: Subject, choices: Choices, namespaces: dict[str, str]) -> tuple[Json, Json]:
    """Make a policy that warns of the reason of every object, and its binding.

    Args:
        subject: Whose rules it has.
        choices: What the admin chose.
        namespaces: Labels of the namespaces that it is for.
    """
    name = f"{choices.prefix}.{subject.name}.reason"
    rules = [
        {
            "operations": sorted(subject.mutation.operations),
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "resources": [subject.resource],
        }
        for group in ("", wire.GROUP)
    ]
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "variables": [
            {"name": variable, "expression": expression}
            for variable, expression in variables(subject, choices).items()
        ],
        "validations": [{"expression": "false", "messageExpression": "variables.reason"}],
    }
    binding = {
        "policyName": name,
        "validationActions": ["Warn"],
        "matchResources": {"namespaceSelector": {"matchLabels": namespaces}},
    }
    common = {"apiVersion": f"{GROUP}/v1", "metadata": {"name": name}}
    return (
        {**common, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**common, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    )
