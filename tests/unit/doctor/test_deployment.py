"""Replicas, their nodes, the disruption budget, and what our ServiceAccount is held to."""

from typing import Any

from tests.unit.doctor.cases import FAILED, OK, UNKNOWN, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    BUDGETS,
    CONFIGURATIONS,
    NAME,
    NODES,
    OWN,
    OWN_DEPLOYMENT,
    OWN_SERVICE,
    RESTRICTION_BINDINGS,
    RESTRICTIONS,
    SLICES,
    configuration,
    deployment,
    healthy,
    named,
    replica,
)
from webhook.admission.options import Options
from webhook.cluster import NotFound

Json = dict[str, Any]
GONE = NotFound("get: HTTP 404, there is none")


def ready(*replicas: Json) -> list[Json]:
    """Make the EndpointSlices of our Service, two that overlap."""
    ports = [{"name": "https", "port": 8443}]
    slices = (replicas, replicas[:1])
    return [named("s", OWN) | {"endpoints": list(each), "ports": ports} for each in slices]


def elsewhere() -> list[Json]:
    """Make a configuration with a URL."""
    made = configuration()
    for entry in made["webhooks"]:
        entry["clientConfig"] = {"url": "https://webhook.example.org/mutate"}
    return [made]


def budget(**selector: Any) -> list[Json]:
    """Make a budget, and one without a selector."""
    return [named("b", OWN) | {"spec": {"selector": selector}}, named("none", OWN)]


KEY = Options().label_key
LABELS = {"app.kubernetes.io/name": "source-ip-webhook"}
ONE_NODE = ready(replica(1, node="node-1"), replica(2, node="node-1"))


def node(name: str, effect: str, key: str = "example.org/virtual") -> Json:
    """Make a node with a taint."""
    return named(name) | {"spec": {"taints": [{"key": key, "effect": effect}]}}


VIRTUAL = node("node-0", "NoSchedule")
CORDONED = node("node-0", "NoSchedule", "node.kubernetes.io/unschedulable")


@table(
    Case("two", "replicas", {}, (OK,), ("2 replicas are ready",)),
    Case(
        "nothing said means ready",
        "replicas",
        {SLICES: ready(replica(1, ready=None), replica(2))},
        (OK,),
    ),
    Case("one of two", "replicas", {SLICES: ready(replica(1))}, (WARNING,), ("1 of 2", "describe")),
    Case(
        "one of one",
        "replicas",
        {SLICES: ready(replica(1)), OWN_DEPLOYMENT: deployment(1)},
        (WARNING,),
        ("--set replicas=2",),
    ),
    Case(
        "none ready", "replicas", {SLICES: ready(replica(1, ready=False))}, (FAILED,), ("0 ready",)
    ),
    Case(
        "none wanted",
        "replicas",
        {SLICES: [], OWN_DEPLOYMENT: deployment(0)},
        (FAILED,),
        ("scale deployment/x-source-ip-webhook --replicas=2",),
    ),
    Case("no slices", "replicas", {SLICES: [named("s", OWN)]}, (FAILED,)),
    Case("no Deployment", "replicas", {OWN_DEPLOYMENT: GONE}, (OK,)),
    Case("a URL", "replicas", {CONFIGURATIONS: elsewhere()}, (OK,), ("outside",)),
    Case("two nodes", "spread", {}, (OK,), ("node-1, node-2",)),
    Case("one node of two", "spread", {SLICES: ONE_NODE}, (WARNING,), ("rollout restart",)),
    Case(
        "the only worker",
        "spread",
        {SLICES: ONE_NODE, NODES: [named("node-1"), VIRTUAL]},
        (OK,),
        ("only node",),
    ),
    Case(
        "two that take Pods",
        "spread",
        {SLICES: ONE_NODE, NODES: [CORDONED, node("node-1", "PreferNoSchedule"), VIRTUAL]},
        (WARNING,),
    ),
    Case("one replica", "spread", {SLICES: ready(replica(1))}, (OK,), ("no two ready replicas",)),
    Case(
        "nodes unknown",
        "spread",
        {SLICES: ready(replica(1) | {"nodeName": ""}, replica(2) | {"nodeName": ""})},
        (OK,),
        ("nodes unknown",),
    ),
    Case("a URL", "spread", {CONFIGURATIONS: elsewhere()}, (OK,)),
    Case("budget of the chart", "disruption-budget", {}, (OK,), ("present",)),
    Case(
        "no budget",
        "disruption-budget",
        {BUDGETS: []},
        (WARNING,),
        ("--set podDisruptionBudget.enabled=true",),
    ),
    Case(
        "budget of others",
        "disruption-budget",
        {BUDGETS: budget(matchLabels={"app": "shop"})},
        (WARNING,),
    ),
    Case(
        "budget by the Service's selector",
        "disruption-budget",
        {OWN_DEPLOYMENT: GONE, BUDGETS: budget(matchLabels=LABELS)},
        (OK,),
    ),
    Case(
        "neither Deployment nor Service",
        "disruption-budget",
        {OWN_DEPLOYMENT: GONE, OWN_SERVICE: GONE, BUDGETS: budget(matchLabels=LABELS)},
        (WARNING,),
    ),
    Case("a URL", "disruption-budget", {CONFIGURATIONS: elsewhere()}, (OK,)),
    Case("both policies", "self-restriction", {}, (OK,), (f"{OWN}.{NAME}.secret present",)),
    Case(
        "no policies",
        "self-restriction",
        {RESTRICTIONS: []},
        (WARNING,),
        (f"{OWN}.{NAME}.configuration with a binding", "--set selfRestriction.enabled=true"),
    ),
    Case(
        "policies that do not deny",
        "self-restriction",
        {
            RESTRICTION_BINDINGS: [
                each | {"spec": {"policyName": each["metadata"]["name"]}}
                for each in healthy()[RESTRICTION_BINDINGS]
            ]
        },
        (WARNING,),
    ),
    Case(
        "kind unknown",
        "self-restriction",
        {RESTRICTIONS: GONE, RESTRICTION_BINDINGS: GONE},
        (OK,),
        ("does not serve",),
    ),
    Case(
        "certificate from elsewhere",
        "self-restriction",
        {OWN_DEPLOYMENT: deployment(2, "--tls-cert=x")},
        (OK,),
        ("writes nothing",),
    ),
    Case("no Deployment", "self-restriction", {OWN_DEPLOYMENT: GONE}, (UNKNOWN,), ("absent",)),
    Case("a URL", "self-restriction", {CONFIGURATIONS: elsewhere()}, (OK,)),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)
