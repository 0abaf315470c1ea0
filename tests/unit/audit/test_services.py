"""What a Service shows: whether it keeps its clients' addresses, and what Local costs it."""

import dataclasses
from typing import Any

import msgspec
import pytest

from tests.unit.audit.auditing import as_service, place
from tests.unit.audit.objects import (
    AFTER,
    BEFORE,
    BETWEEN,
    INSTALLED,
    KEY,
    Object,
    node,
    service,
)
from webhook.admission.decision import Reason
from webhook.admission.options import Options, ServiceTrafficPolicy
from webhook.admission.services import ServiceReason
from webhook.audit.findings import AuditReason, Level
from webhook.audit.service_objects import LiveNode
from webhook.audit.services import Nodes, clustered, harmed, is_examined, nodes_of, reached

LATER = "2026-05-01T00:00:00Z"
BACK = ("kubectl-patch", "Update", LATER)
APPLIED = ("flux", "Apply", AFTER)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
WRITTEN = {LAST_APPLIED: '{"spec":{"externalTrafficPolicy":"Cluster"}}'}
WAYPOINT = {"gateway.istio.io/managed": "istio.io-mesh-controller"}
EAST_WEST = {"topology.istio.io/network": "network1"}
ENI = {"service.beta.kubernetes.io/backend-type": "eni"}
SHARED = {"metallb.io/allow-shared-ip": "one"}
PROXY_PROTOCOL = {"service.beta.kubernetes.io/azure-pls-proxy-protocol": "true"}
CILIUM = "io.cilium/l2-announcer"


CLUSTERED = [
    pytest.param(service(), AuditReason.MISSED, id="nobody set it back"),
    pytest.param(service(created=BEFORE), AuditReason.CREATED_BEFORE_LABEL, id="before the label"),
    pytest.param(
        service(created=BETWEEN), AuditReason.CREATED_BEFORE_WEBHOOK, id="before the webhook"
    ),
    pytest.param(service(written=BACK), AuditReason.SWITCHED_BACK, id="somebody set it back"),
    pytest.param(
        service(created=BEFORE, written=BACK),
        AuditReason.CREATED_BEFORE_LABEL,
        id="an old one that somebody wrote to",
    ),
    pytest.param(service(written=APPLIED), ServiceReason.EXPLICIT_CLUSTER, id="applied so"),
    pytest.param(service(annotations=WRITTEN), ServiceReason.EXPLICIT_CLUSTER, id="written so"),
    pytest.param(service(annotations=ENI), None, id="sees its clients anyway"),
    pytest.param(service(labels=WAYPOINT), ServiceReason.WAYPOINT, id="left alone"),
    pytest.param(service(selector=None), ServiceReason.NO_SELECTOR, id="no selector"),
]


@pytest.mark.parametrize(("made", "reason"), CLUSTERED)
def test_cluster_shows(made: dict[str, Any], reason: Reason | AuditReason | None) -> None:
    """A Service that is Cluster shows why, unless it sees its clients all the same."""
    shown = clustered(as_service(made), place())

    assert (shown and shown.reason) == reason


def test_levels_of_what_is_cluster() -> None:
    """A choice of a person's hides clients and is a finding; what a rule left alone is a note."""
    chosen = clustered(as_service(service(annotations=WRITTEN)), place())
    left = clustered(as_service(service(labels=WAYPOINT)), place())

    assert chosen is not None
    assert left is not None
    assert (chosen.level, left.level) == (Level.FINDING, Level.NOTE)


def test_writer_is_evidence() -> None:
    """Who set a Service back, and when, is told by name."""
    shown = clustered(as_service(service(written=BACK)), place())

    assert shown is not None
    assert [(each.field, each.value) for each in shown.evidence] == [
        (".spec.externalTrafficPolicy", "Cluster"),
        ('.metadata.managedFields[?(@.manager=="kubectl-patch")].time', LATER),
        (".metadata.creationTimestamp", AFTER),
    ]


def test_writer_of_something_else_did_not_set_it_back() -> None:
    """An entry of managedFields without the policy says nothing of it."""
    other = service()
    entry: Object = {"manager": "kubectl", "operation": "Update", "time": LATER}
    fields: list[Object] = [
        {"fieldsV1": {"f:metadata": {}}},
        {"fieldsV1": {"f:spec": {"f:ports": {}}}},
        {},
    ]
    other["metadata"]["managedFields"] = [entry | each for each in fields]
    nothing = service()
    nothing["metadata"]["managedFields"] = None

    for made in (other, nothing):
        shown = clustered(as_service(made), place())
        assert shown is not None
        assert shown.reason is AuditReason.MISSED


def test_times_are_evidence() -> None:
    """Whoever reads of an old Service sees its age, and what it is older than."""
    shown = clustered(as_service(service(created=BETWEEN)), place())

    assert shown is not None
    assert [each.value for each in shown.evidence] == ["Cluster", BETWEEN, INSTALLED]


def test_only_what_clients_outside_reach_is_examined() -> None:
    """Neither other types, nor what has opted out, nor what is being deleted."""
    node_port = as_service(service(type="NodePort"))
    leaving = service()
    leaving["metadata"]["deletionTimestamp"] = AFTER

    assert is_examined(as_service(service()), place())
    assert not is_examined(node_port, place())
    assert is_examined(node_port, place(options=Options(node_ports=True)))
    assert not is_examined(as_service(service(labels={KEY: "disabled"})), place())
    assert not is_examined(as_service(leaving), place())


@pytest.mark.parametrize(
    ("made", "named_nodes", "harm"),
    [
        pytest.param(service(), True, False, id="an ordinary one"),
        pytest.param(service(annotations=WRITTEN), True, False, id="its author's Local"),
        pytest.param(service(labels=EAST_WEST), True, True, id="east-west gateway"),
        pytest.param(service(labels=WAYPOINT), True, False, id="waypoint"),
        pytest.param(service(annotations=ENI), True, False, id="has no effect"),
        pytest.param(service(annotations=PROXY_PROTOCOL), True, True, id="PROXY protocol"),
        pytest.param(service(loadBalancerClass=CILIUM), True, True, id="Cilium's L2 announcer"),
        pytest.param(service(annotations=SHARED), True, False, id="shared, and it has its address"),
        pytest.param(
            service(annotations=SHARED, pending=True), True, True, id="shared, and it waits"
        ),
        pytest.param(service(selector=None), False, True, id="endpoints without nodes"),
        pytest.param(service(selector=None), True, False, id="endpoints with nodes, by hand"),
    ],
)
def test_local_harms(made: dict[str, Any], named_nodes: bool, harm: bool) -> None:
    """Local does harm where a rule says so, and where that is so of this very Service."""
    made["spec"] |= {"externalTrafficPolicy": "Local", "healthCheckNodePort": 31000}
    shown = harmed(as_service(made), place(), named_nodes=named_nodes)

    assert (shown is not None) is harm
    assert shown is None or shown.reason is AuditReason.LOCAL_HARMS


def test_admin_may_allow_what_harms() -> None:
    """What the webhook would do by its own options is no harm."""
    local = as_service(service(policy="Local", loadBalancerClass=CILIUM))
    never = Options(service_traffic_policy=ServiceTrafficPolicy.NEVER)

    assert harmed(local, place(options=Options(cilium_l2=True)), named_nodes=True) is None
    assert harmed(local, place(options=never), named_nodes=True) is None


def nodes(*made: dict[str, Any]) -> Nodes:
    """Read nodes as an audit does."""
    return nodes_of(msgspec.convert(list(made), list[LiveNode]))


OUT = "node.kubernetes.io/exclude-from-external-load-balancers"


def test_nodes_of_load_balancers_and_of_pods_differ() -> None:
    """A load balancer sends to ready nodes; Pods go to those that no taint keeps them from."""
    found = nodes(
        node("n1"),
        node("n2", ready=False),
        node("n3", labels={OUT: ""}),
        node("n4", unschedulable=True),
        node("n5", taints=[{"key": "x", "effect": "NoSchedule"}]),
        node("n6", taints=[{"key": "x", "effect": "PreferNoSchedule"}]),
        {"kind": "Node", "metadata": {"name": "n7"}},
    )

    assert found.load_balanced == {"n1", "n4", "n5", "n6"}
    assert found.schedulable == 3


THREE = (node("n1"), node("n2"), node("n3"))


@pytest.mark.parametrize(
    ("ready", "there", "reasons"),
    [
        pytest.param((), THREE, [AuditReason.NO_READY_ENDPOINT], id="none"),
        pytest.param((), None, [AuditReason.NO_READY_ENDPOINT], id="none, and nodes unknown"),
        pytest.param(("n1",), THREE, [AuditReason.ONE_NODE], id="one of three"),
        pytest.param(("n1",), None, [], id="one, and nodes unknown"),
        pytest.param(("n1",), THREE[:1], [], id="one of one"),
        pytest.param(
            ("n1",),
            (*THREE[:1], node("n2", unschedulable=True)),
            [AuditReason.FEWER_NODES],
            id="one of two, and the other takes no Pods",
        ),
        pytest.param(("n1", "n2"), THREE, [AuditReason.FEWER_NODES], id="two of three"),
        pytest.param(("n1", "n2", "n3"), THREE, [], id="all"),
    ],
)
def test_local_reaches(
    ready: tuple[str, ...],
    there: tuple[dict[str, Any], ...] | None,
    reasons: list[AuditReason],
) -> None:
    """A Service that is Local shows where its ready endpoints are too few."""
    known = None if there is None else nodes(*there)
    found = reached(as_service(service(policy="Local")), frozenset(ready), known)

    assert [each.reason for each in found] == reasons
    assert all(", ".join(ready) in each.evidence[1].value or not ready for each in found)


def test_health_check_port_is_for_load_balancers() -> None:
    """Without it a load balancer cannot tell the nodes apart; a NodePort Service never has one."""
    without = service(policy="Local", healthCheckNodePort=0)
    node_port = service(policy="Local", healthCheckNodePort=0, type="NodePort")
    ready = frozenset({"n1"})

    (shown,) = reached(as_service(without), ready, None)
    assert shown.reason is AuditReason.NO_HEALTH_CHECK_PORT
    assert shown.evidence[1].field == ".spec.healthCheckNodePort"
    assert reached(as_service(node_port), ready, None) == []


def test_age_of_what_nothing_tells_decides_nothing() -> None:
    """Where nobody knows since when the label and the webhook are there, nothing is older."""
    nobody_knows = dataclasses.replace(place(installed=""), labelled="")
    shown = clustered(as_service(service(created=BEFORE)), nobody_knows)

    assert shown is not None
    assert shown.reason is AuditReason.MISSED
    assert [each.value for each in shown.evidence] == ["Cluster", BEFORE]
