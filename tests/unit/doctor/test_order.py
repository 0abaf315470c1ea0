"""Registration at all, the order of configurations, and who else is about the same fields."""

from typing import Any

from tests.chart.helm import documents, render
from tests.unit.doctor.cases import FAILED, OK, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    LABELS,
    POLICIES,
    POLICY_BINDINGS,
    ask,
    configuration,
    healthy,
    injector,
    named,
)
from webhook.admission.options import Options
from webhook.cluster import NotFound
from webhook.doctor.checks import Status
from webhook.policy.choices import Choices
from webhook.policy.text import mutating_text

Json = dict[str, Any]
OURS = [
    {"metadata": {"name": f"x.{half}", "labels": LABELS}, "spec": {"x": "source-ip-preservation"}}
    for half in ("pods", "services")
]
BINDINGS = [
    named(f"x.{half}") | {"spec": {"policyName": f"x.{half}"}} for half in ("pods", "services")
]
BETA = POLICIES.replace("/v1/", "/v1beta1/")
BETA_BINDINGS = POLICY_BINDINGS.replace("/v1/", "/v1beta1/")
NO_KIND = NotFound("get: HTTP 404, there is no such kind")


def foreign_policy(text: str) -> Json:
    """Make somebody else's policy."""
    return named("theirs") | {"spec": {"mutations": [{"expression": text}]}}


def foreign(
    name: str, *, resource: str = "pods", condition: str = "true", operation: str = "CREATE"
) -> Json:
    """Make somebody else's configuration."""
    return named(name) | {
        "webhooks": [
            {
                "name": "a.example.org",
                "clientConfig": {},
                "rules": [{"operations": [operation], "apiGroups": ["*"], "resources": [resource]}],
                "matchConditions": [{"name": "c", "expression": condition}],
            }
        ]
    }


@table(
    Case("webhook alone", "configuration", {}, (OK,), ("present",)),
    Case(
        "kind unknown to the API server",
        "configuration",
        {POLICIES: NO_KIND, POLICY_BINDINGS: NO_KIND},
        (OK,),
    ),
    Case(
        "nothing at all",
        "configuration",
        {CONFIGURATIONS: []},
        (FAILED,),
        ("helm upgrade --install", "MutatingWebhookConfiguration/0-source-ip-webhook: absent"),
    ),
    Case(
        "another name",
        "configuration",
        {CONFIGURATIONS: [configuration("0-other")]},
        (FAILED,),
        ("source-ip-webhook doctor --configuration 0-other",),
    ),
    Case(
        "policies alone",
        "configuration",
        {CONFIGURATIONS: [], POLICIES: OURS, POLICY_BINDINGS: BINDINGS},
        (OK,),
        ("left out", "MutatingAdmissionPolicy/x.pods"),
    ),
    Case(
        "policies of v1beta1",
        "configuration",
        {
            CONFIGURATIONS: [],
            POLICIES: NO_KIND,
            POLICY_BINDINGS: NO_KIND,
            BETA: OURS,
            BETA_BINDINGS: BINDINGS,
        },
        (OK,),
    ),
    Case(
        "one policy, bound to nothing",
        "configuration",
        {CONFIGURATIONS: [], POLICIES: OURS[:1]},
        (FAILED, FAILED),
        ("MutatingAdmissionPolicyBinding of x.pods: absent", "MutatingAdmissionPolicy/*.services"),
    ),
    Case(
        "policies for another label",
        "configuration",
        {CONFIGURATIONS: [], POLICIES: OURS, POLICY_BINDINGS: BINDINGS},
        (FAILED,),
        ("no example.org/keep", "--label-key"),
        Options(label_key="example.org/keep"),
    ),
    Case(
        "both backends",
        "configuration",
        {POLICIES: OURS},
        (WARNING,),
        ("twice", "kubectl delete mutatingadmissionpolicy x.pods x.services"),
    ),
    Case("before Istio's", "order", {}, (OK,), ("istio-sidecar-injector",)),
    Case(
        "after one of Istio's",
        "order",
        {CONFIGURATIONS: [configuration(), injector("0-injector"), injector()]},
        (FAILED,),
        ("MutatingWebhookConfiguration/0-injector comes before", "helm upgrade x"),
    ),
    Case("no Istio", "order", {CONFIGURATIONS: [configuration()]}, (WARNING,), ("no pod gets",)),
    Case(
        "between, which is no fault",
        "other-webhooks",
        {CONFIGURATIONS: [foreign("gatekeeper"), configuration(), injector()]},
        (OK,),
        ("gatekeeper may change Pods between",),
    ),
    Case(
        "between, about everything",
        "other-webhooks",
        {CONFIGURATIONS: [foreign("a", operation="*"), configuration(), injector()]},
        (OK,),
        ("a may change Pods between",),
    ),
    Case(
        "between without Istio",
        "other-webhooks",
        {CONFIGURATIONS: [foreign("gatekeeper"), configuration()]},
        (OK,),
        ("nothing else",),
    ),
    Case(
        "after Istio, and of other kinds",
        "other-webhooks",
        {CONFIGURATIONS: [configuration(), foreign("kyverno"), foreign("b", resource="nodes")]},
        (OK,),
        ("nothing else",),
    ),
    Case(
        "a policy that mentions the mode",
        "other-webhooks",
        {POLICIES: [foreign_policy("sidecar.istio.io/interceptionMode"), *OURS]},
        (WARNING,),
        ("MutatingAdmissionPolicy/theirs .spec mentions interceptionMode",),
    ),
    Case(
        "a condition that mentions the policy, without ours",
        "other-webhooks",
        {CONFIGURATIONS: [foreign("a", condition="object.spec.externalTrafficPolicy == 'x'")]},
        (WARNING,),
        (".webhooks[0].matchConditions mentions externalTrafficPolicy",),
    ),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)


def judged(objects: list[Json]) -> set[Status]:
    """Make the check with these policies and bindings, and no webhook."""
    kinds = {
        POLICIES: "MutatingAdmissionPolicy",
        POLICY_BINDINGS: "MutatingAdmissionPolicyBinding",
    }
    cluster = healthy() | {CONFIGURATIONS: [injector()]}
    for path, kind in kinds.items():
        cluster[path] = [each for each in objects if each["kind"] == kind]
    return {each.status for each in ask("configuration", cluster)}


def test_policies_of_the_chart_are_known() -> None:
    """What the policy backend renders is taken for ours, and is well."""
    assert judged(render({"backend": "policy"}).objects) == {OK}


def test_policies_that_are_printed_are_known() -> None:
    """What ``policy`` prints has no labels, and is taken for ours all the same."""
    printed = [each for text in mutating_text(Choices.of(Options())) for each in documents(text)]
    assert judged(printed) == {OK}
