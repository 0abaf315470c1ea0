"""Is the API server told what to ask about, as the chart tells it, and can it do what it is told?

Selectors are judged by what they select, and not by how they are written: some clouds add their own
requirements. Match conditions are programs, which are known by their text or not at all.

Source:
    charts/source-ip-webhook/templates/mutatingwebhookconfiguration.yaml, which a test compares;
    k8s.io/apiserver pkg/admission/plugin/webhook/generic/webhook.go, ShouldCallHook.
"""

import dataclasses
import json
from collections.abc import Iterator
from typing import Final

import msgspec

from webhook.admission.options import Options
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Subject,
    Verdict,
    failed,
    warning,
    well,
)
from webhook.doctor.inspection import Inspection, upgrade
from webhook.doctor.objects import ANY, Configuration, Selector, Webhook
from webhook.labels import Half, Mode

_NAME: Final = "kubernetes.io/metadata.name"
"""Label with the name of a namespace, which the API server sets on every one."""
_LONGEST_TIMEOUT: Final = 10
"""Seconds, Kubernetes' own default; a call takes about 3 ms."""
_NEVER: Final = ("kube-system", "kube-node-lease")
"""Namespaces that are left alone whatever their labels say."""
_LOAD_BALANCERS: Final = "object.spec.type == 'LoadBalancer'"
_AND_NODE_PORTS: Final = "object.spec.type in ['LoadBalancer', 'NodePort']"
_NEW_OR_SET_BACK: Final = (
    "oldObject == null || oldObject.spec.type != object.spec.type || "
    "has(oldObject.spec.externalTrafficPolicy) && "
    "oldObject.spec.externalTrafficPolicy == 'Local' && "
    "has(object.spec.externalTrafficPolicy) && object.spec.externalTrafficPolicy == 'Cluster'"
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """What the chart registers for one half."""

    half: Half
    resource: str
    operations: frozenset[str]
    conditions: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class _Objection:
    """One thing that is not as the chart has it."""

    sentence: str
    evidence: str
    grave: bool = True
    """Whether objects are missed, or touched that must not be."""


def registration(inspection: Inspection) -> Iterator[Verdict]:
    """Are rules, selectors and conditions those of the chart?"""
    ours = inspection.registered
    found = list(_objections(ours, inspection.options))
    for each in found:
        judge = failed if each.grave else warning
        yield judge(each.sentence, each.evidence, cure=_cure(ours, inspection.options))
    if not found:
        yield well(
            "the API server asks about new Pods and load balancers of namespaces that have opted "
            "in, and about nothing else",
            f"{ours.title} .webhooks: {', '.join(each.name for each in ours.webhooks or ())}",
        )


def failure_policy(inspection: Inspection) -> Iterator[Verdict]:
    """Does a webhook that does not answer stop no more than it may?"""
    ours = inspection.registered
    slow = False
    for index, hook in enumerate(ours.webhooks or ()):
        if hook.timeout_seconds > _LONGEST_TIMEOUT:
            slow = True
            yield warning(
                "a webhook that hangs holds up every creation for longer than clients wait",
                f"{ours.title} .webhooks[{index}].timeoutSeconds: {hook.timeout_seconds}",
                cure=upgrade(ours, "--set timeoutSeconds=2"),
            )
    policies = {hook.failure_policy for hook in ours.webhooks or ()}
    shown = f"{ours.title} .webhooks[*].failurePolicy: {', '.join(sorted(policies))}"
    if "Fail" in policies:
        yield well(
            "objects are not created while the webhook does not answer, in namespaces that have "
            "opted in; run at least two replicas",
            shown,
        )
    elif not slow:
        yield well("objects are created without the setting while the webhook is away", shown)


def _expected(options: Options) -> tuple[_Entry, ...]:
    """Say what the chart registers."""
    types = _AND_NODE_PORTS if options.node_ports else _LOAD_BALANCERS
    return (
        _Entry(Half.EAST_WEST, "pods", frozenset({"CREATE"}), frozenset()),
        _Entry(
            Half.NORTH_SOUTH,
            "services",
            frozenset({"CREATE", "UPDATE"}),
            frozenset({types, _NEW_OR_SET_BACK}),
        ),
    )


def _objections(ours: Configuration, options: Options) -> Iterator[_Objection]:
    """Compare the configuration with what the chart registers."""
    hooks = list(enumerate(ours.webhooks or ()))
    for entry in _expected(options):
        about = [(index, hook) for index, hook in hooks if hook.operations_on(entry.resource)]
        if not about:
            yield _Objection(
                f"the API server does not ask about {entry.resource}",
                f"{ours.title} .webhooks[*].rules: none for {entry.resource}",
            )
        for index, hook in about:
            where = f"{ours.title} .webhooks[{index}]"
            yield from _wrong_rules(hook, entry, where)
            yield from _wrong_namespaces(hook, entry, where, options.label_key)
            yield from _wrong_objects(hook, where, options.label_key)
            yield from _wrong_conditions(hook, entry, where)


def _wrong_rules(hook: Webhook, entry: _Entry, where: str) -> Iterator[_Objection]:
    """Compare operations, and how the webhook is called."""
    operations = hook.operations_on(entry.resource)
    shown = f"{where}.rules[*].operations on {entry.resource}: {', '.join(sorted(operations))}"
    missing = entry.operations - operations
    if missing and ANY not in operations:
        yield _Objection(f"the API server does not ask at {', '.join(sorted(missing))}", shown)
    if operations - entry.operations:
        yield _Objection("the API server asks more often than it has to", shown, grave=False)
    if "v1" not in (hook.admission_review_versions or ()):
        versions = ", ".join(hook.admission_review_versions or ())
        yield _Objection(
            "the service answers admission reviews of v1 only",
            f"{where}.admissionReviewVersions: {versions or 'absent'}",
        )
    service = hook.client_config.service
    if service is not None and service.path != "/mutate":
        yield _Objection(
            "the service answers reviews at /mutate",
            f"{where}.clientConfig.service.path: {service.path or 'absent'}",
        )


def _wrong_namespaces(
    hook: Webhook, entry: _Entry, where: str, label_key: str
) -> Iterator[_Objection]:
    """Try the namespaceSelector on namespaces that have to match, and on some that must not."""
    selector = hook.namespace_selector or Selector()
    shown = f"{where}.namespaceSelector: {_json(hook.namespace_selector)}"
    other = next(each for each in Half if each is not entry.half)
    for mode in (Mode.ENABLED, Mode(entry.half)):
        if not selector.selects({label_key: mode, _NAME: "shop"}):
            yield _Objection(f"namespaces labelled {label_key}={mode} are left out", shown)
    for labels, what in (
        ({}, "without the label"),
        ({label_key: Mode.DISABLED}, f"labelled {label_key}=disabled"),
        ({label_key: Mode(other)}, f"labelled {label_key}={other}"),
    ):
        if selector.selects({_NAME: "shop", **labels}):
            yield _Objection(f"the API server also asks for namespaces {what}", shown)
    service = hook.client_config.service
    for name in (*_NEVER, *(() if service is None else (service.namespace,))):
        if selector.selects({label_key: Mode.ENABLED, _NAME: name}):
            yield _Objection(f"namespace {name} is not excluded, and could wait for itself", shown)


def _wrong_objects(hook: Webhook, where: str, label_key: str) -> Iterator[_Objection]:
    """Try the objectSelector on an object without labels, and on one that opts out."""
    selector = hook.object_selector or Selector()
    shown = f"{where}.objectSelector: {_json(hook.object_selector)}"
    if not selector.selects({}):
        yield _Objection("objects without labels are left out", shown)
    if selector.selects({label_key: Mode.DISABLED}):
        yield _Objection(
            "the API server also asks for objects that opt out, which then wait for the answer",
            shown,
        )


def _wrong_conditions(hook: Webhook, entry: _Entry, where: str) -> Iterator[_Objection]:
    """Compare the texts of the match conditions."""
    texts = {" ".join(each.expression.split()) for each in hook.match_conditions or ()}
    for text in sorted(texts - entry.conditions):
        yield _Objection(
            "a match condition is not the chart's, and may keep objects from the webhook",
            f"{where}.matchConditions: {text}",
        )
    for text in sorted(entry.conditions - texts):
        yield _Objection(
            "a match condition is missing, so the API server asks more often than it has to",
            f"{where}.matchConditions: no {text}",
            grave=False,
        )


def _cure(ours: Configuration, options: Options) -> str:
    """Say how to put it right; first of all, whether the right key was asked for."""
    keys = {
        each.key
        for hook in ours.webhooks or ()
        for each in (hook.namespace_selector or Selector()).match_expressions or ()
        if each.operator == "In"
    }
    if len(keys) == 1 and options.label_key not in keys:
        return f"Run doctor with --label-key {keys.pop()}, if that is the key that you chose"
    return upgrade(ours)


def _json(selector: Selector | None) -> str:
    """Write a selector as the configuration has it."""
    if selector is None:
        return "absent"
    builtins = msgspec.to_builtins(selector)
    return json.dumps({key: value for key, value in builtins.items() if value is not None})


CHECKS: Final = (
    Subject(
        name="registration",
        area=Area.INSTALLATION,
        about="Rules, `namespaceSelector`, `objectSelector` and `matchConditions` select what "
        "the chart's select: labelled namespaces, and neither plain ones nor `kube-system`, "
        "`kube-node-lease` and the release's own; no objects that opt out.",
        why="What is not asked about is not changed, and what is asked about in vain waits.",
        cure="`helm upgrade`, or `--label-key` where you have chosen another key.",
        rights=(LIST_CONFIGURATIONS,),
        ask=registration,
        webhook=True,
    ),
    Subject(
        name="failure-policy",
        area=Area.INSTALLATION,
        about="`failurePolicy`, and `timeoutSeconds` of 10 at most.",
        why="A webhook that hangs costs every creation that much, also under Ignore.",
        cure="`helm upgrade --set timeoutSeconds=2`.",
        rights=(LIST_CONFIGURATIONS,),
        ask=failure_policy,
        webhook=True,
    ),
)
"""In the order in which they are made."""
