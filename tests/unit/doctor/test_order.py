"""Registration at all, the order of configurations, and who else is about the same fields."""

from typing import Any

from tests.unit.doctor.cases import FAILED, OK, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    LABELS,
    POLICIES,
    POLICY_BINDINGS,
    configuration,
    injector,
    named,
)
from webhook.cluster import NotFound

Json = dict[str, Any]
OUR_POLICY = {"metadata": {"name": "source-ip-pods", "labels": LABELS}, "spec": {"x": 1}}
OUR_BINDING = named("source-ip-pods") | {"spec": {"policyName": "source-ip-pods"}}
BETA = POLICIES.replace("/v1/", "/v1beta1/")
BETA_BINDINGS = POLICY_BINDINGS.replace("/v1/", "/v1beta1/")
NO_KIND = NotFound("get: HTTP 404, there is no such kind")


def foreign_policy(text: str) -> Json:
    """Make somebody else's policy."""
    return named("theirs") | {"spec": {"mutations": [{"expression": text}]}}


def foreign(name: str, *, resource: str = "pods", condition: str = "true") -> Json:
    """Make somebody else's configuration."""
    return named(name) | {
        "webhooks": [
            {
                "name": "a.example.org",
                "clientConfig": {},
                "rules": [{"operations": ["CREATE"], "apiGroups": ["*"], "resources": [resource]}],
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
        ("helm install", "MutatingWebhookConfiguration/0-source-ip-webhook: absent"),
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
        {CONFIGURATIONS: [], POLICIES: [OUR_POLICY], POLICY_BINDINGS: [OUR_BINDING]},
        (OK,),
        ("left out", "MutatingAdmissionPolicy/source-ip-pods"),
    ),
    Case(
        "policies of v1beta1",
        "configuration",
        {
            CONFIGURATIONS: [],
            POLICIES: NO_KIND,
            POLICY_BINDINGS: NO_KIND,
            BETA: [OUR_POLICY],
            BETA_BINDINGS: [OUR_BINDING],
        },
        (OK,),
    ),
    Case(
        "policy bound to nothing",
        "configuration",
        {CONFIGURATIONS: [], POLICIES: [OUR_POLICY]},
        (WARNING,),
        ("MutatingAdmissionPolicyBinding of source-ip-pods: absent",),
    ),
    Case(
        "both backends",
        "configuration",
        {POLICIES: [OUR_POLICY]},
        (WARNING,),
        ("twice", "--set backend=webhook"),
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
        ("MutatingWebhookConfiguration/gatekeeper matches the creation of pods",),
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
        {POLICIES: [foreign_policy("sidecar.istio.io/interceptionMode"), OUR_POLICY]},
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
