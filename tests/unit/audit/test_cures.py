"""The commands that mend Services, as a shell reads them."""

import json
import shlex

from tests.unit.audit.objects import KEY
from webhook.audit import cures
from webhook.audit.findings import Action, Owner
from webhook.audit.owners import Renewal, Workload

SELECTOR = {"istio": "ingressgateway", "app": "gw"}
GATEWAY = Workload(Owner("apps/v1", "Deployment", "gw"), Renewal.RESTART, pointer="/spec/template")


def patched(command: str) -> object:
    """Take the patch out of a command of kubectl."""
    words = shlex.split(command)
    assert words[:2] == ["kubectl", "patch"]
    return json.loads(words[words.index("-p") + 1])


def test_policy_is_set() -> None:
    """The patch sets nothing but the policy, and --fix may do the same."""
    local = cures.set_policy("gw", "ingress", "Local")

    assert local.command == (
        "kubectl patch service gw -n ingress "
        """-p '{"spec":{"externalTrafficPolicy":"Local"}}'"""
    )
    assert (local.action, local.advice) == (Action.SET_LOCAL, "")
    assert cures.set_policy("gw", "ingress", "Cluster").action is Action.SET_CLUSTER


def test_helm_is_told_too() -> None:
    """What belongs to a release would be set back by its next upgrade: the value is named."""
    cure = cures.set_policy("gw", "ingress", "Local", helm_release="ingress/gw", advice="So.")

    assert cure.advice.endswith(
        "helm upgrade gw CHART -n ingress --reuse-values "
        "--set service.externalTrafficPolicy=Local So."
    )


def test_choice_can_be_kept() -> None:
    """The opt-out label keeps a policy, also where it is there with another value."""
    assert cures.keep_policy("gw", "ingress", KEY) == (
        f"kubectl label service gw -n ingress {KEY}=disabled --overwrite"
    )


def test_port_comes_back_with_the_policy() -> None:
    """The Service becomes Cluster and Local again, which gives it a port."""
    away, back = cures.new_health_check_port("gw", "ingress").command.split(" && ")

    assert patched(away) == {"spec": {"externalTrafficPolicy": "Cluster"}}
    assert patched(back) == {"spec": {"externalTrafficPolicy": "Local"}}


def test_pods_are_spread() -> None:
    """Two Pods at least, each revision of them on different nodes."""
    template = {"labelSelector": {"matchLabels": SELECTOR}, "topologyKey": "kubernetes.io/hostname"}
    change = patched(cures.spread(GATEWAY, "ingress", SELECTOR).command)
    more = patched(cures.spread(GATEWAY._replace(replicas=5), "ingress", SELECTOR).command)

    assert isinstance(change, dict)
    assert isinstance(more, dict)
    (constraint,) = change["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert constraint.items() >= template.items()
    assert constraint["matchLabelKeys"] == ["pod-template-hash"]
    assert (change["spec"]["replicas"], more["spec"]["replicas"]) == (2, 5)


def test_revision_of_a_stateful_set_has_no_such_label() -> None:
    """Only the Pods of a Deployment have the hash of their template."""
    owner = Owner("apps/v1", "StatefulSet", "gw")
    cure = cures.spread(GATEWAY._replace(owner=owner), "ingress", SELECTOR)

    assert "statefulset/gw" in cure.command
    assert "matchLabelKeys" not in cure.command


def test_pods_are_shown_where_nothing_is_known_that_makes_them() -> None:
    """Without a Deployment a person has to look at the Pods."""
    cure = cures.spread(None, "ingress", SELECTOR)

    assert cure.command == "kubectl get pods -n ingress -o wide -l app=gw,istio=ingressgateway"
    assert cures.make_ready(None, "ingress", {}).command == "kubectl get pods -n ingress -o wide"


def test_pods_are_made_ready() -> None:
    """What was scaled to nothing is scaled up; what is there and not ready is started again."""
    none = cures.make_ready(GATEWAY._replace(replicas=0), "ingress", SELECTOR)
    unready = cures.make_ready(GATEWAY, "ingress", SELECTOR)

    assert none.command == "kubectl scale deployment/gw -n ingress --replicas=2"
    assert unready.command == "kubectl rollout restart deployment/gw -n ingress"
    assert "kubectl describe pod" in unready.advice


def test_namespace_is_opted_in() -> None:
    """A namespace that is opted in for its Pods becomes so for both; a typo is overwritten."""
    label = f"kubectl label namespace ingress {KEY}"

    assert cures.opt_in("ingress", {}, KEY).command == f"{label}=north-south"
    assert (
        cures.opt_in("ingress", {KEY: "east-west"}, KEY).command == f"{label}=enabled --overwrite"
    )
    assert cures.opt_in("ingress", {KEY: "on"}, KEY).command == f"{label}=north-south --overwrite"
