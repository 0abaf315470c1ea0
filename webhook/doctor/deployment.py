"""Is the service itself as it should be: its replicas, their nodes, and what it may write?

Source:
    Kubernetes, Disruptions; k8s.io/kubernetes pkg/registry/policy: a PodDisruptionBudget selects
    Pods by their labels.
"""

from collections.abc import Iterator
from typing import Final

from webhook.cluster import NotFound
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Right,
    Subject,
    Verdict,
    failed,
    unknown,
    warning,
    well,
)
from webhook.doctor.inspection import ADMISSION, Inspection, upgrade
from webhook.doctor.objects import Binding, Endpoint, Policy

_GROUP: Final = "admissionregistration.k8s.io"
_SLICES: Final = Right("list", "endpointslices", "discovery.k8s.io")
_DEPLOYMENT: Final = Right("get", "deployments", "apps")
_ENOUGH: Final = 2
"""Replicas, so that one may go."""


def replicas(inspection: Inspection) -> Iterator[Verdict]:
    """Are there two ready replicas, and all that are wanted?"""
    ours = inspection.registered
    reference = ours.service
    if reference is None:
        yield well("the webhook runs outside the cluster, where its replicas cannot be counted")
        return
    namespace, name = reference
    ready = _ready(inspection, namespace, name)
    deployment = inspection.deployment(namespace, name)
    wanted = len(ready) if deployment is None else deployment.spec.replicas
    shown = f"Service/{name} of namespace {namespace}: {len(ready)} ready endpoints"
    look = f"kubectl -n {namespace} describe deployment/{name}"
    if deployment is not None and not wanted:
        look = f"kubectl -n {namespace} scale deployment/{name} --replicas=2"
    if not ready:
        yield failed("no replica is ready, so nobody answers", shown, cure=look)
    elif len(ready) < wanted:
        yield warning(f"{len(ready)} of {wanted} replicas are ready", shown, cure=look)
    elif len(ready) < _ENOUGH:
        yield warning(
            "there is one replica: while it restarts nobody answers",
            shown,
            cure=upgrade(ours, "--set replicas=2"),
        )
    else:
        yield well(f"{len(ready)} replicas are ready", shown)


def spread(inspection: Inspection) -> Iterator[Verdict]:
    """Are the replicas on different nodes, where there are several?"""
    ours = inspection.registered
    reference = ours.service
    if reference is None:
        yield well("the webhook runs outside the cluster, on no node of it")
        return
    ready = _ready(inspection, *reference)
    nodes = sorted({each.node_name for each in ready if each.node_name})
    shown = (
        f"Service/{reference[1]} of namespace {reference[0]}: nodes {', '.join(nodes) or 'unknown'}"
    )
    if len(ready) < _ENOUGH:
        yield well("there are no two ready replicas that could be on one node", shown)
        return
    if len(nodes) != 1:
        yield well("the ready replicas are not all on one node", shown)
        return
    if sum(each.takes_pods for each in inspection.nodes) < _ENOUGH:
        # By taints, not by the control plane's label: with k3s such nodes run ordinary Pods.
        yield well("all replicas are on the only node that takes ordinary Pods", shown)
    else:
        yield warning(
            "all replicas are on one node: without it nobody answers",
            shown,
            cure=f"kubectl -n {reference[0]} rollout restart deployment/{reference[1]}",
        )


def disruption_budget(inspection: Inspection) -> Iterator[Verdict]:
    """Does a PodDisruptionBudget keep a replica while nodes are drained?"""
    ours = inspection.registered
    reference = ours.service
    if reference is None:
        yield well("the webhook runs outside the cluster, where nodes are not drained")
        return
    namespace, name = reference
    service = inspection.service(namespace, name)
    labels = {} if service is None else service.spec.selector or {}
    deployment = inspection.deployment(namespace, name)
    if deployment is not None:
        labels = deployment.spec.template.metadata.labels or labels
    budgets = [
        each.name
        for each in inspection.budgets(namespace)
        if each.spec.selector is not None and each.spec.selector.selects(labels)
    ]
    if budgets:
        yield well(
            "a drain of nodes leaves a replica",
            *(f"PodDisruptionBudget/{each} of namespace {namespace} present" for each in budgets),
        )
    else:
        yield warning(
            "a drain of nodes may take all replicas at once",
            f"PodDisruptionBudget of namespace {namespace} for {name}: absent",
            cure=upgrade(ours, "--set podDisruptionBudget.enabled=true"),
        )


def self_restriction(inspection: Inspection) -> Iterator[Verdict]:
    """Is our ServiceAccount held to the two objects that the service writes?"""
    ours = inspection.registered
    reference = ours.service
    if reference is None:
        yield well("the webhook runs outside the cluster, and has no ServiceAccount here")
        return
    namespace, name = reference
    deployment = inspection.deployment(namespace, name)
    if deployment is None:
        yield unknown(
            "no Deployment tells whether the service writes anything",
            f"Deployment/{name} of namespace {namespace}: absent",
        )
        return
    if not any("--tls-managed" in (each.args or ()) for each in deployment.containers):
        yield well(
            "the service writes nothing: its certificate is somebody else's work",
            f"Deployment/{name} .spec.template.spec.containers[*].args: no --tls-managed",
        )
        return
    try:
        kept = inspection.listed(f"{ADMISSION}/v1/validatingadmissionpolicies", Policy)
        bound = inspection.listed(f"{ADMISSION}/v1/validatingadmissionpolicybindings", Binding)
    except NotFound:
        yield well("this Kubernetes does not serve ValidatingAdmissionPolicy, which could hold it")
        return
    denying = {
        each.spec.policy_name for each in bound if "Deny" in (each.spec.validation_actions or ())
    }
    wanted = {f"{namespace}.{name}.{part}" for part in ("configuration", "secret")}
    missing = sorted(wanted - ({each.name for each in kept} & denying))
    if missing:
        yield warning(
            "nothing holds our ServiceAccount to the two objects that the service writes",
            *(
                f"ValidatingAdmissionPolicy/{each} with a binding that denies: absent"
                for each in missing
            ),
            cure=upgrade(ours, "--set selfRestriction.enabled=true"),
        )
    else:
        yield well(
            "our ServiceAccount may change nothing but its Secret and caBundle",
            *(f"ValidatingAdmissionPolicy/{each} present" for each in sorted(wanted)),
        )


def _ready(inspection: Inspection, namespace: str, name: str) -> list[Endpoint]:
    """List the ready endpoints of our Service, each once."""
    endpoints = {
        tuple(each.addresses): each
        for part in inspection.endpoint_slices(namespace, name)
        for each in part.endpoints or ()
        if each.ready
    }
    return list(endpoints.values())


CHECKS: Final = (
    Subject(
        name="replicas",
        area=Area.INSTALLATION,
        about="The Service has two ready endpoints or more, and as many as the Deployment wants.",
        why="Nothing is changed while nobody answers.",
        cure="`kubectl describe` the Deployment; `helm upgrade --set replicas=2`.",
        rights=(LIST_CONFIGURATIONS, _SLICES, _DEPLOYMENT),
        ask=replicas,
        webhook=True,
    ),
    Subject(
        name="spread",
        area=Area.INSTALLATION,
        about="The ready replicas are not all on one node, where several nodes take ordinary Pods.",
        why="A node that fails takes all that runs on it.",
        cure="Restart the Deployment, whose spread constraint then has a choice.",
        rights=(LIST_CONFIGURATIONS, _SLICES, Right("list", "nodes")),
        ask=spread,
        webhook=True,
    ),
    Subject(
        name="disruption-budget",
        area=Area.INSTALLATION,
        about="A PodDisruptionBudget selects the replicas.",
        why="A drain of several nodes at once could take all of them.",
        cure="`helm upgrade --set podDisruptionBudget.enabled=true`.",
        rights=(
            LIST_CONFIGURATIONS,
            _DEPLOYMENT,
            Right("get", "services"),
            Right("list", "poddisruptionbudgets", "policy"),
        ),
        ask=disruption_budget,
        webhook=True,
    ),
    Subject(
        name="self-restriction",
        area=Area.INSTALLATION,
        about="With a managed certificate, the two ValidatingAdmissionPolicies that hold our "
        "ServiceAccount to `caBundle` and its Secret are there and deny.",
        why="RBAC cannot limit a right to one field; see docs/security.md.",
        cure="`helm upgrade --set selfRestriction.enabled=true`.",
        rights=(
            LIST_CONFIGURATIONS,
            Right("get", "deployments", "apps"),
            Right("list", "validatingadmissionpolicies", _GROUP),
            Right("list", "validatingadmissionpolicybindings", _GROUP),
        ),
        ask=self_restriction,
        webhook=True,
    ),
)
"""In the order in which they are made."""
