"""Whom the API server asks about what: as the chart renders it, and any single change of that."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.chart import value_sets
from tests.chart.helm import render
from tests.unit.doctor.cases import OK, WARNING, Case, judge, table
from tests.unit.doctor.played import CONFIGURATIONS, OWN, ask, configuration, healthy, injector
from webhook.admission.options import Options
from webhook.doctor.checks import Status

Json = dict[str, Any]
Change = Callable[[Json], object]
KEY = "source-ip-preservation"


def options_of(values: Json) -> Options:
    """Read the flags that the chart gives the service for the same values."""
    return Options(
        label_key=values.get("labelKey", Options().label_key),
        node_ports=values.get("nodePorts", False),
    )


def checked(registered: Json, options: Options | None = None) -> set[Status]:
    """Make the check; return the statuses of its verdicts."""
    cluster = healthy() | {CONFIGURATIONS: [registered, injector()]}
    return {each.status for each in ask("registration", cluster, options)}


@value_sets.every_set
def test_every_set_of_values_is_well(name: str) -> None:
    """What the chart renders is what is expected, whatever the values, and the order is right."""
    if not (made := value_sets.rendered(name).all("MutatingWebhookConfiguration")):
        return  # the other backend
    cluster = healthy() | {CONFIGURATIONS: [*made, injector()]}
    options, own = options_of(value_sets.values(name)), made[0]["metadata"]["name"]
    for check in ("configuration", "order", "registration", "failure-policy"):
        assert {each.status for each in ask(check, cluster, options, name=own)} == {Status.OK}


@pytest.mark.parametrize(
    "values", [{"nodePorts": True}, {"labelKey": "example.org/keep"}, {"failurePolicy": "Fail"}]
)
def test_each_value_is_well(values: Json) -> None:
    """Values that change the configuration are known to the check by the flag of the same name."""
    made = render(values).one("MutatingWebhookConfiguration")
    assert checked(made, options_of(values)) == {Status.OK}


def _drop(place: int, *keys: str) -> Change:
    """Remove a member of an entry."""

    def change(made: Json) -> None:
        within = made["webhooks"][place]
        for key in keys[:-1]:
            within = within[key]
        del within[keys[-1]]

    return change


def _requirement(selector: str, place: int) -> Change:
    """Remove a requirement of the Pod entry's selector."""
    return lambda made: made["webhooks"][0][selector]["matchExpressions"].pop(place)


def _set(place: int, value: Any, *keys: str | int) -> Change:
    """Set a member of an entry."""

    def change(made: Json) -> None:
        within = made["webhooks"][place]
        for key in keys[:-1]:
            within = within[key]
        within[keys[-1]] = value

    return change


def _values(values: list[str]) -> Change:
    """Set the values of the label by which namespaces are selected."""
    return _set(0, values, "namespaceSelector", "matchExpressions", 0, "values")


CHANGES: dict[str, tuple[Change, Status]] = {
    "label key": (
        _set(0, "other", "namespaceSelector", "matchExpressions", 0, "key"),
        Status.FAILED,
    ),
    "no namespaceSelector": (_drop(0, "namespaceSelector"), Status.FAILED),
    "no objectSelector": (_drop(1, "objectSelector"), Status.FAILED),
    "no requirement of the label": (_requirement("namespaceSelector", 0), Status.FAILED),
    "no exclusion": (_requirement("namespaceSelector", 1), Status.FAILED),
    "kube-system not excluded": (
        _set(
            0,
            ["kube-node-lease", "source-ip"],
            *["namespaceSelector", "matchExpressions"],
            1,
            "values",
        ),
        Status.FAILED,
    ),
    "own namespace not excluded": (
        _set(
            0,
            ["kube-system", "kube-node-lease"],
            *["namespaceSelector", "matchExpressions"],
            1,
            "values",
        ),
        Status.FAILED,
    ),
    "half not selected": (_values(["enabled"]), Status.FAILED),
    "enabled not selected": (_values(["east-west"]), Status.FAILED),
    "other half selected": (_values(["enabled", "east-west", "north-south"]), Status.FAILED),
    "disabled selected": (_values(["enabled", "east-west", "disabled"]), Status.FAILED),
    "objects only with a label": (
        _set(0, {"matchLabels": {"app": "shop"}}, "objectSelector"),
        Status.FAILED,
    ),
    "no entry for pods": (lambda made: made["webhooks"].pop(0), Status.FAILED),
    "no entries": (lambda made: made.pop("webhooks"), Status.FAILED),
    "no rules": (_drop(0, "rules"), Status.FAILED),
    "cluster scope": (_set(0, "Cluster", "rules", 0, "scope"), Status.FAILED),
    "other group": (_set(0, ["apps"], "rules", 0, "apiGroups"), Status.FAILED),
    "no update of services": (_set(1, ["CREATE"], "rules", 0, "operations"), Status.FAILED),
    "update of pods too": (_set(0, ["CREATE", "UPDATE"], "rules", 0, "operations"), Status.WARNING),
    "all operations": (_set(0, ["*"], "rules", 0, "operations"), Status.WARNING),
    "no condition": (_drop(1, "matchConditions"), Status.WARNING),
    "condition changed": (
        _set(1, "object.spec.type == 'NodePort'", "matchConditions", 0, "expression"),
        Status.FAILED,
    ),
    "condition added": (
        _set(0, [{"name": "c", "expression": "false"}], "matchConditions"),
        Status.FAILED,
    ),
    "old review version": (_set(0, ["v1beta1"], "admissionReviewVersions"), Status.FAILED),
    "no review version": (_drop(0, "admissionReviewVersions"), Status.FAILED),
    "wrong path": (_set(0, "/", "clientConfig", "service", "path"), Status.FAILED),
    "no path": (_drop(0, "clientConfig", "service", "path"), Status.FAILED),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_single_change_is_noticed(what: str) -> None:
    """Any single change of what the chart renders that changes what is asked is named."""
    made = copy.deepcopy(render().one("MutatingWebhookConfiguration"))
    change, status = CHANGES[what]
    change(made)
    assert status in checked(made)


@pytest.mark.parametrize(
    ("values", "options"),
    [({"nodePorts": True}, Options()), ({}, Options(node_ports=True))],
)
def test_flags_that_are_not_those_of_the_installation_are_noticed(
    values: Json, options: Options
) -> None:
    """A configuration for node ports is not one without them, and the other way round."""
    assert Status.FAILED in checked(render(values).one("MutatingWebhookConfiguration"), options)


def test_requirements_that_clouds_add_change_nothing() -> None:
    """A selector may have more requirements, as long as it selects the same."""
    made = configuration()
    added = {"key": "control-plane", "operator": "DoesNotExist"}
    also = {"key": "kubernetes.io/metadata.name", "operator": "Exists"}
    for entry in made["webhooks"]:
        entry["namespaceSelector"]["matchExpressions"] += [added, also]
    assert checked(made) == {Status.OK}


def test_operator_of_a_later_kubernetes_selects_nothing() -> None:
    """A requirement that nobody knows is not taken for met."""
    made = configuration()
    added = {"key": KEY, "operator": "Like", "values": ["e*"]}
    made["webhooks"][0]["namespaceSelector"]["matchExpressions"].append(added)
    assert checked(made) == {Status.FAILED}


def test_url_has_no_namespace_of_its_own() -> None:
    """A webhook outside of the cluster needs no exclusion for itself, nor a path of the Service."""
    made = configuration()
    for entry in made["webhooks"]:
        entry["namespaceSelector"]["matchExpressions"][1]["values"].remove(OWN)
        entry["clientConfig"] = {"url": "https://webhook.example.org/mutate"}
    assert checked(made) == {Status.OK}


def test_wrong_key_is_told_before_an_upgrade() -> None:
    """Where all selectors have one other key, the flag is what is wrong; otherwise the chart."""
    made = render({"labelKey": "example.org/keep"}).one("MutatingWebhookConfiguration")
    cluster = healthy() | {CONFIGURATIONS: [made, injector()]}
    cures = {each.cure for each in ask("registration", cluster)}
    cure = "Run doctor with --label-key example.org/keep, if that is the key that you chose"
    assert cures == {cure}


def test_upgrade_names_release_and_namespace() -> None:
    """The command is complete, and a registration by hand has no release to upgrade."""
    made = configuration()
    made["webhooks"][0].pop("objectSelector")
    (verdict,) = ask("registration", healthy() | {CONFIGURATIONS: [made]})
    command = (
        "helm upgrade x charts/source-ip-webhook --namespace source-ip --reset-then-reuse-values"
    )
    assert verdict.cure == command
    made["metadata"].pop("labels")
    (verdict,) = ask("registration", healthy() | {CONFIGURATIONS: [made]})
    assert verdict.cure == "Register the webhook as docs/operation.md says"


@table(
    Case("Ignore", "failure-policy", {}, (OK,), ("Ignore",)),
    Case(
        "Fail",
        "failure-policy",
        {CONFIGURATIONS: [render({"failurePolicy": "Fail"}).one("MutatingWebhookConfiguration")]},
        (OK,),
        ("two replicas",),
    ),
    Case(
        "long timeout",
        "failure-policy",
        {CONFIGURATIONS: [render({"timeoutSeconds": 30}).one("MutatingWebhookConfiguration")]},
        (WARNING, WARNING),
        (".webhooks[1].timeoutSeconds: 30", "--set timeoutSeconds=2"),
    ),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)
