"""What an existing Service shows: whether it keeps its clients' addresses, and at what price.

Pure: the endpoints and the nodes of a Service that is ``Local`` are told by whoever has read them.
"""

import dataclasses
from typing import Final, NamedTuple, Self

import msgspec

from webhook.admission.authorship import CLUSTER
from webhook.admission.decision import CommonReason, Reason
from webhook.admission.services import LOAD_BALANCER, LOCAL, MUTATION, NODE_PORT, ServiceReason
from webhook.audit.findings import AuditReason, Evidence, Level
from webhook.audit.namespaces import CREATED, OptedIn, Verdict
from webhook.audit.service_objects import LiveNode, LiveService
from webhook.labels import opted_out

POLICY: Final = ".spec.externalTrafficPolicy"
"""Path of the field that keeps clients' addresses."""
EXCLUDED: Final = "node.kubernetes.io/exclude-from-external-load-balancers"
"""Label of a node that load balancers send nothing to.

Source:
    Kubernetes, Well-Known Labels, Annotations and Taints.
"""
_SCHEDULED_NOWHERE: Final = {"NoSchedule", "NoExecute"}
"""Effects of a taint that keeps Pods away which do not tolerate it."""
_HARMFUL: Final = {
    ServiceReason.EAST_WEST_GATEWAY,
    ServiceReason.SHARED_ADDRESS,
    ServiceReason.CILIUM_L2,
    ServiceReason.AZURE_PLS_PROXY_PROTOCOL,
}
"""Why the rules would not have set ``Local``, where it does harm."""


class Shown(NamedTuple):
    """What a Service shows."""

    level: Level
    reason: AuditReason | Reason
    evidence: tuple[Evidence, ...]

    @classmethod
    def of(cls, reason: AuditReason, *evidence: Evidence) -> Self:
        """Give a reason of the audit's own, which has its level."""
        return cls(reason.level, reason, evidence)


@dataclasses.dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a cluster."""

    load_balanced: frozenset[str]
    """Those that load balancers send to."""
    schedulable: int
    """How many take new Pods."""


def nodes_of(nodes: list[LiveNode]) -> Nodes:
    """Read the nodes of a cluster.

    Source:
        k8s.io/cloud-provider controllers/service, nodeIncludedPredicate and nodeReadyPredicate.
    """
    ready = [each for each in nodes if _is_ready(each)]
    return Nodes(
        frozenset(
            each.metadata.name for each in ready if EXCLUDED not in (each.metadata.labels or {})
        ),
        sum(not _keeps_pods_away(each) for each in ready),
    )


def is_examined(service: LiveService, place: OptedIn) -> bool:
    """Tell whether a Service is one that clients from outside reach, and has not opted out.

    Args:
        service: As it is in the cluster.
        place: Its namespace, which asks for the setting.
    """
    about, kind = service.metadata, service.spec.type
    external = kind == LOAD_BALANCER or (kind == NODE_PORT and place.options.node_ports)
    out = opted_out(about.labels or {}, place.options.label_key)
    return external and not out and about.deletion_timestamp is None


def is_local(service: LiveService) -> bool:
    """Tell whether a Service is ``Local``."""
    return service.spec.external_traffic_policy == LOCAL


def judge(service: LiveService, place: OptedIn) -> Verdict:
    """Ask the rules about a Service as if it were created now.

    Args:
        service: As it is in the cluster.
        place: Its namespace.
    """
    return place.judge(MUTATION, service)


def clustered(service: LiveService, place: OptedIn) -> Shown | None:
    """Look at a Service that is ``Cluster``; ``None`` where nothing is to be said.

    Args:
        service: As it is in the cluster.
        place: Its namespace.
    """
    verdict = judge(service, place)
    shown = (Evidence(POLICY, service.spec.external_traffic_policy or ""),)
    if verdict.reason is CommonReason.ADDED:
        reason, evidence = _why(service, place)
        return Shown.of(reason, *shown, *evidence)
    if verdict.level is None:
        return None
    return Shown(verdict.level, verdict.reason, (*shown, *_writer(service)))


def harmed(service: LiveService, place: OptedIn, *, named_nodes: bool) -> Shown | None:
    """Look at a Service that is ``Local`` although the rules would not have made it so.

    Args:
        service: As it is in the cluster.
        place: Its namespace.
        named_nodes: Whether a ready endpoint names its node.

    Returns:
        What it shows; ``None`` where ``Local`` does no harm.
    """
    # As it was before Local: the API server takes the port away with it.
    spec = msgspec.structs.replace(
        service.spec, external_traffic_policy=CLUSTER, health_check_node_port=None
    )
    reason = judge(msgspec.structs.replace(service, spec=spec), place).reason
    pending = not service.status.load_balancer.ingress
    harmful = (
        reason in _HARMFUL
        # Services that share an address and have it found each other compatible.
        and not (reason is ServiceReason.SHARED_ADDRESS and not pending)
    ) or (reason is ServiceReason.NO_SELECTOR and not named_nodes)
    if not harmful:
        return None
    rule = Evidence(f"rule {reason}", reason.sentence)
    return Shown.of(AuditReason.LOCAL_HARMS, Evidence(POLICY, LOCAL), rule)


def reached(service: LiveService, ready: frozenset[str], nodes: Nodes | None) -> list[Shown]:
    """Look at what a Service that is ``Local`` reaches.

    Args:
        service: As it is in the cluster.
        ready: The nodes of its ready endpoints.
        nodes: The nodes of the cluster; ``None`` where they are not known.
    """
    found = []
    local = Evidence(POLICY, LOCAL)
    if service.spec.type == LOAD_BALANCER and not service.spec.health_check_node_port:
        port = Evidence(".spec.healthCheckNodePort", "absent")
        found.append(Shown.of(AuditReason.NO_HEALTH_CHECK_PORT, local, port))
    where = Evidence(
        f"EndpointSlices of {service.metadata.name} .endpoints[*].nodeName of ready endpoints",
        ", ".join(sorted(ready)) or "none",
    )
    if not ready:
        found.append(Shown.of(AuditReason.NO_READY_ENDPOINT, local, where))
    elif nodes is not None:
        there = Evidence("nodes of the load balancer", str(len(nodes.load_balanced)))
        if len(ready) == 1 and nodes.schedulable > 1:
            found.append(Shown.of(AuditReason.ONE_NODE, local, where))
        elif nodes.load_balanced - ready:
            found.append(Shown.of(AuditReason.FEWER_NODES, local, where, there))
    return found


def _why(service: LiveService, place: OptedIn) -> tuple[AuditReason, tuple[Evidence, ...]]:
    """Tell why a Service is ``Cluster`` that would be ``Local`` if it were created now."""
    created = service.metadata.creation_timestamp
    reason, evidence = place.why_missing(created)
    writer = _writer(service)
    if reason is AuditReason.MISSED and writer:
        return AuditReason.SWITCHED_BACK, (*writer, Evidence(CREATED, created))
    return reason, evidence


def _writer(service: LiveService) -> tuple[Evidence, ...]:
    """Tell who wrote the policy after the Service was created, and when; empty where nobody did.

    A webhook's change at creation is nobody's, so an entry from that moment is the creator's own.

    Source:
        k8s.io/apiserver pkg/endpoints/handlers/create.go, where fields are managed before
        admission.
    """
    for each in service.metadata.managed_fields or ():
        spec = None if each.fields_v1 is None else each.fields_v1.spec
        if (
            spec is not None
            and spec.external_traffic_policy is not msgspec.UNSET
            and each.time > service.metadata.creation_timestamp
        ):
            field = f'.metadata.managedFields[?(@.manager=="{each.manager}")].time'
            return (Evidence(field, each.time),)
    return ()


def _is_ready(node: LiveNode) -> bool:
    return any(
        each.type == "Ready" and each.status == "True" for each in node.status.conditions or ()
    )


def _keeps_pods_away(node: LiveNode) -> bool:
    taints = {each.effect for each in node.spec.taints or ()}
    return bool(node.spec.unschedulable or taints & _SCHEDULED_NOWHERE)
