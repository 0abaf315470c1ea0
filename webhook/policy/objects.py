"""The policies and their bindings, as objects of the API.

A mutating policy gives the setting to the objects that the rules leave it to. A validating one
denies nothing: it reports what was created without the setting although the rules were for it.

Source:
    Kubernetes, Mutating Admission Policy and Validating Admission Policy; k8s.io/api
    admissionregistration/v1/types.go.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final

from webhook.admission import pods as pod_rules
from webhook.admission import services as service_rules
from webhook.admission.decision import CommonReason
from webhook.admission.mutation import Mutation
from webhook.policy import cel, pods, services
from webhook.policy.cel import InCel, Rule, conditional, literal
from webhook.policy.choices import Choices, modes

Json = dict[str, Any]

GROUP: Final = "admissionregistration.k8s.io"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A mutation, and all that its policies are made of."""

    mutation: Mutation[Any]
    """What is set, and the rules in their order."""
    name: str
    """What its policies are called, after the admin's prefix."""
    resource: str
    """The kind, as rules name it: ``pods``."""
    rules: Mapping[Rule, InCel]
    """The rules in CEL."""
    facts: Mapping[str, str]
    """Variables that the rules read."""
    facts_of_report: Mapping[str, str]
    """Those that are something else once all mutation is done."""
    conditions: Mapping[str, str]
    """What is asked first, by name."""
    message: str
    """CEL: what the person is told who created an object that lacks the setting."""


SUBJECTS: Final = (
    Subject(
        mutation=pod_rules.MUTATION,
        name="pods",
        resource="pods",
        rules=pods.RULES,
        facts=pods.FACTS,
        facts_of_report=pods.FACTS_AFTER_INJECTION,
        conditions={},
        message=pods.MESSAGE,
    ),
    Subject(
        mutation=service_rules.MUTATION,
        name="services",
        resource="services",
        rules=services.RULES,
        facts=services.FACTS,
        facts_of_report={},
        conditions=services.CONDITIONS,
        message=services.MESSAGE,
    ),
)
"""All that there are policies for: every mutation that the webhook has."""


def mutating(subject: Subject, choices: Choices) -> tuple[Json, Json]:
    """Make the policy that gives the setting, and its binding.

    Args:
        subject: What for.
        choices: What the admin chose.
    """
    name = f"{choices.prefix}.{subject.name}"
    spec = {
        "failurePolicy": choices.failure_policy,
        "reinvocationPolicy": "Never",
        **_matching(subject),
        "variables": _listed(variables(subject, choices)),
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": _patch(subject)}}],
    }
    return _bound("Mutating", choices.api_version, name, spec, _selecting(subject, choices))


def reporting(subject: Subject, choices: Choices) -> tuple[Json, Json]:
    """Make the policy that reports what lacks the setting, and its binding.

    Args:
        subject: What for.
        choices: What the admin chose.
    """
    name = f"{choices.prefix}.{subject.name}.report"
    added, already_set = literal(CommonReason.ADDED.value), literal(CommonReason.ALREADY_SET.value)
    said = f"variables.reason == {added} ? 'missed' : variables.reason"
    spec = {
        "failurePolicy": "Ignore",
        **_matching(subject),
        "variables": _listed(variables(subject, choices, subject.facts_of_report)),
        "validations": [
            {
                "expression": f"variables.reason != {added}",
                "message": "The setting of source-ip-webhook is missing.",
                "messageExpression": subject.message,
            }
        ],
        "auditAnnotations": [
            {
                "key": "reason",
                "valueExpression": f"variables.reason == {already_set} ? '' : {said}",
            }
        ],
    }
    where = {"validationActions": ["Warn", "Audit"], **_selecting(subject, choices)}
    return _bound("Validating", "v1", name, spec, where)


def variables(
    subject: Subject, choices: Choices, other_facts: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Make the variables of a policy; the last is ``reason``, the word that the webhook would give.

    Args:
        subject: What for.
        choices: What the admin chose.
        other_facts: Facts that take the place of those of the same name.
    """
    rules = {
        cel.camel(f"{rule.__name__}_reason"): cel.of_rule(subject.rules, rule)
        for rule in subject.mutation.all_rules
    }
    speaking = {name: rule.expression for name, rule in rules.items() if rule.answers}
    read = " ".join(speaking.values())
    return {
        **{
            name: expression
            for name, expression in choices.variables.items()
            if re.search(rf"variables\.{name}\b", read)
        },
        "modes": literal(modes(subject.mutation.half)),
        **cel.FACTS,
        **subject.facts,
        **(other_facts or {}),
        **speaking,
        "reason": conditional(
            [(f"variables.{name} != ''", f"variables.{name}") for name in speaking],
            literal(CommonReason.ADDED.value),
        ),
    }


def _matching(subject: Subject) -> Json:
    """Write what the policy is for, whatever the namespace."""
    rule = {
        "operations": sorted(subject.mutation.operations),
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": [subject.resource],
        "scope": "Namespaced",
    }
    conditions = [
        {"name": name, "expression": expression} for name, expression in subject.conditions.items()
    ]
    return {
        "matchConstraints": {"resourceRules": [rule]},
        **({"matchConditions": conditions} if conditions else {}),
    }


def _selecting(subject: Subject, choices: Choices) -> Json:
    """Write for which namespaces and objects it is; the same as in the webhook's configuration."""
    return {
        "matchResources": {
            "namespaceSelector": {
                "matchExpressions": [
                    _expression(choices.label_key, "In", *modes(subject.mutation.half)),
                    _expression("kubernetes.io/metadata.name", "NotIn", *choices.excluded),
                ]
            },
            "objectSelector": {
                "matchExpressions": [_expression(choices.label_key, "NotIn", "disabled")]
            },
        }
    }


def _expression(key: str, operator: str, *values: str) -> Json:
    return {"key": key, "operator": operator, "values": list(values)}


def _listed(named: Mapping[str, str]) -> list[Json]:
    return [{"name": name, "expression": expression} for name, expression in named.items()]


def _patch(subject: Subject) -> str:
    """Write the patch: nothing, or the member, with its parent where there is none."""
    mutation = subject.mutation
    *parents, parent, name = mutation.member
    value = literal(mutation.value)
    whole = _operation((*parents, parent, name), value)
    condition = f"variables.reason != {literal(CommonReason.ADDED.value)}"
    if not parents:  # such as spec, which every object has
        return conditional([(condition, "[]")], whole)
    has_parent = f"has(object.{'.'.join((*parents, parent))})"
    with_parent = _operation((*parents, parent), f"{{{literal(name)}: {value}}}")
    return conditional([(condition, "[]"), (has_parent, whole)], with_parent)


def _operation(path: tuple[str, ...], value: str) -> str:
    pointer = "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path)
    return f"[JSONPatch{{op: 'add', path: {literal(pointer)}, value: {value}}}]"


def _bound(kind: str, version: str, name: str, spec: Json, binding: Json) -> tuple[Json, Json]:
    """Make a policy and a binding of the same name."""
    common = {"apiVersion": f"{GROUP}/{version}", "metadata": {"name": name}}
    return (
        {**common, "kind": f"{kind}AdmissionPolicy", "spec": spec},
        {
            **common,
            "kind": f"{kind}AdmissionPolicyBinding",
            "spec": {"policyName": name, **binding},
        },
    )
