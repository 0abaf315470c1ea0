"""The policies and their bindings as objects."""

from typing import Any

import pytest

from tests.e2e.registration import KEY, configuration
from webhook.admission.options import Options
from webhook.audit.findings import AuditReason
from webhook.policy.choices import ApiVersion, Choices, FailurePolicy
from webhook.policy.objects import SUBJECTS, Subject, mutating, reporting

CHOICES = Choices.of(Options())
each_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda each: each.resource)


def _hook(subject: Subject) -> dict[str, Any]:
    """Find the webhook's own entry for the same kind."""
    hooks = configuration("https://example.org/mutate", b"")["webhooks"]
    (hook,) = (hook for hook in hooks if hook["rules"][0]["resources"] == [subject.resource])
    found: dict[str, Any] = hook
    return found


@each_subject
def test_selectors_are_those_of_the_webhook(subject: Subject) -> None:
    """Policies are for the same namespaces, objects and operations as the webhook is called for."""
    hook, choices = _hook(subject), Choices.of(Options(), excluded=("source-ip",))
    for policy, binding in (mutating(subject, choices), reporting(subject, choices)):
        assert policy["spec"]["matchConstraints"] == {"resourceRules": hook["rules"]}
        assert binding["spec"]["matchResources"] == {
            key: hook[key] for key in ("namespaceSelector", "objectSelector")
        }


@each_subject
def test_bindings_name_their_policies(subject: Subject) -> None:
    """A policy and its binding have one name, which begins as the admin chose."""
    choices = Choices.of(Options(), prefix="mesh.example")
    names = []
    for policy, binding in (mutating(subject, choices), reporting(subject, choices)):
        names.append(policy["metadata"]["name"])
        assert binding["metadata"] == policy["metadata"]
        assert binding["spec"]["policyName"] == policy["metadata"]["name"]
        assert binding["kind"] == f"{policy['kind']}Binding"

    whole = f"mesh.example.{subject.resource}"
    assert names == [whole, f"{whole}.report"]


@each_subject
def test_version_and_failure_policy(subject: Subject) -> None:
    """Both are the admin's for what mutates; what only reports never stands in the way."""
    choices = Choices.of(
        Options(), api_version=ApiVersion.V1BETA1, failure_policy=FailurePolicy.FAIL
    )
    (mutates, binding), (reports, _) = mutating(subject, choices), reporting(subject, choices)

    assert mutates["apiVersion"] == binding["apiVersion"] == "admissionregistration.k8s.io/v1beta1"
    assert mutates["spec"]["failurePolicy"] == "Fail"
    assert mutates["spec"]["reinvocationPolicy"] == "Never"
    assert reports["apiVersion"] == "admissionregistration.k8s.io/v1"
    assert reports["spec"]["failurePolicy"] == "Ignore"


@each_subject
def test_label_key(subject: Subject) -> None:
    """Another key of the label stands everywhere, and the usual one nowhere."""
    choices = Choices.of(Options(label_key="example.org/key"))
    text = repr([mutating(subject, choices), reporting(subject, choices)])

    assert text.count("example.org/key") == 6
    assert f"'{KEY}'" not in text


def test_excluded_namespaces() -> None:
    """Further namespaces are excluded besides Kubernetes' own, each once."""
    _, binding = mutating(
        SUBJECTS[0], Choices.of(Options(), excluded=("source-ip", "kube-system", "source-ip"))
    )
    selector = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"][1]

    assert selector["values"] == ["kube-system", "kube-node-lease", "source-ip"]


@each_subject
def test_report_denies_nothing(subject: Subject) -> None:
    """What lacks the setting is created; the audit log has the word that an audit would use."""
    policy, binding = reporting(subject, CHOICES)

    assert binding["spec"]["validationActions"] == ["Warn", "Audit"]
    (annotation,) = policy["spec"]["auditAnnotations"]
    assert annotation["key"] == "reason"
    assert f"'{AuditReason.MISSED.value}'" in annotation["valueExpression"]


def test_patch_brings_its_parent() -> None:
    """A member whose parent may be missing is added with it; one of spec is added alone."""
    pods, services = (
        mutating(subject, CHOICES)[0]["spec"]["mutations"][0]["jsonPatch"]["expression"]
        for subject in SUBJECTS
    )

    assert pods == (
        "variables.reason != 'added' ? [] :\n"
        "has(object.metadata.annotations) ? [JSONPatch{op: 'add', path: "
        "'/metadata/annotations/sidecar.istio.io~1interceptionMode', value: 'TPROXY'}] :\n"
        "[JSONPatch{op: 'add', path: '/metadata/annotations', "
        "value: {'sidecar.istio.io/interceptionMode': 'TPROXY'}}]"
    )
    assert services == (
        "variables.reason != 'added' ? [] :\n"
        "[JSONPatch{op: 'add', path: '/spec/externalTrafficPolicy', value: 'Local'}]"
    )
