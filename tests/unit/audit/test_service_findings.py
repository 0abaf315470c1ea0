"""Services of a cluster, their endpoints and nodes, and what mends what is wrong with them."""

import pytest

from tests.unit.audit.auditing import audit, cluster, only, said
from tests.unit.audit.objects import AFTER, KEY, Object, node, service, slice_of, workload
from webhook.admission.options import Options
from webhook.audit.findings import Action, Level
from webhook.audit.walk import Selection, run
from webhook.cluster import Forbidden

GATEWAY = {"istio": "ingressgateway"}
NODES = (node("n1"), node("n2"))
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
CLUSTER = '{"spec":{"externalTrafficPolicy":"Cluster"}}'
WRITTEN = {"kubectl.kubernetes.io/last-applied-configuration": CLUSTER}


def test_cluster_is_made_local() -> None:
    """A Service that somebody set back gets the command, and the value for its Helm release."""
    back = service(written=("helm", "Update", "2026-05-01T00:00:00Z"), helm="shop/gw")
    report = audit(back)

    finding = only(report)
    assert (finding.owner.title, finding.reason) == ("Service/gateway", "switched-back")
    assert finding.owner.helm_release == "shop/gw"
    assert finding.cure.action is Action.SET_LOCAL
    assert "helm upgrade gw CHART -n shop" in finding.cure.advice
    assert finding.objects == ("Service/gateway",)
    assert (report.services, report.exit_code) == (1, 1)


def test_written_cluster_is_a_persons_to_change() -> None:
    """The command sets Local, but --fix does not, and the label that keeps it is told."""
    finding = only(audit(service(annotations=WRITTEN)))

    assert (finding.reason, finding.level) == ("explicit-cluster", Level.FINDING)
    assert "externalTrafficPolicy" in finding.cure.command
    assert finding.cure.action is Action.NONE
    assert f"kubectl label service gateway -n shop {KEY}=disabled" in finding.cure.advice


def test_what_sees_its_clients_is_not_reported() -> None:
    """Neither what nobody outside reaches, nor a load balancer that goes past kube-proxy."""
    eni = {"service.beta.kubernetes.io/backend-type": "eni"}
    report = audit(service(type="ClusterIP"), service("eni", annotations=eni))

    assert (said(report), report.services) == ([], 2)


def test_rule_that_holds_back_is_a_note() -> None:
    """What a rule leaves alone is told, and is nobody's task."""
    note = only(audit(service(selector=None)))

    assert (note.reason, note.level, note.cure.command) == ("no-selector", Level.NOTE, "")


def test_local_that_harms_is_made_cluster() -> None:
    """After the command the rule's own note is all that is said."""
    local = service(policy="Local", loadBalancerClass="io.cilium/l2-announcer")
    finding = only(audit(local, slice_of("gateway", "n1", "n2"), *NODES))
    after = only(audit(service(loadBalancerClass="io.cilium/l2-announcer")))

    assert finding.reason == "local-harms"
    assert finding.cure.action is Action.SET_CLUSTER
    assert (after.reason, after.level) == ("cilium-l2", Level.NOTE)


@pytest.mark.parametrize(
    ("behind", "command"),
    [
        (workload(name="gw", labels=GATEWAY), "kubectl patch deployment/gw -n shop -p "),
        (workload("StatefulSet", "gw", labels=GATEWAY), "kubectl patch statefulset/gw -n shop -p "),
        (workload(name="other"), "kubectl get pods -n shop -o wide -l istio=ingressgateway"),
    ],
)
def test_one_node_is_too_few(behind: Object, command: str) -> None:
    """What makes the Pods is found by the Service's selector, and told to spread them."""
    local = service(policy="Local")
    finding = only(audit(local, slice_of("gateway", "n1"), *NODES, behind))

    assert finding.reason == "one-node"
    assert finding.cure.command.startswith(command)


def test_fewer_nodes_are_a_note() -> None:
    """Two of three nodes do, if the load balancer checks their health."""
    local = service(policy="Local")
    note = only(audit(local, slice_of("gateway", "n1", "n2"), *NODES, node("n3")))

    assert (note.reason, note.level, note.cure.command) == ("fewer-nodes", Level.NOTE, "")


def test_no_ready_endpoint() -> None:
    """Endpoints that are not ready, or are about to go, do not count; no node is as bad as none."""
    local = service(policy="Local")
    behind = workload(name="gw", labels=GATEWAY, replicas=0)
    ending = slice_of("gateway", "n1", terminating=True)
    ending["endpoints"] += slice_of("gateway", "n1", ready=False)["endpoints"]
    of_other = slice_of("other", "n1")
    finding = only(audit(local, ending, of_other, *NODES, behind))

    assert finding.reason == "no-ready-endpoint"
    assert finding.cure.command == "kubectl scale deployment/gw -n shop --replicas=2"


def test_endpoints_that_say_nothing_of_their_state_are_ready() -> None:
    """An endpoint without conditions counts."""
    told = slice_of("gateway", "n1", "n2")
    for endpoint in told["endpoints"]:
        del endpoint["conditions"]
    empty = slice_of("gateway")
    empty["endpoints"] = None

    assert said(audit(service(policy="Local"), told, empty, *NODES)) == []


def test_service_by_hand_has_nothing_to_look_for() -> None:
    """Without a selector nothing can be found that makes the Pods."""
    local = service(policy="Local", selector=None)
    finding = only(audit(local, slice_of("gateway", "n1"), *NODES))

    assert (finding.reason, finding.cure.command) == (
        "one-node",
        "kubectl get pods -n shop -o wide",
    )


def test_health_check_port_comes_back() -> None:
    """A Service that has none is made Cluster and Local again."""
    local = service(policy="Local", healthCheckNodePort=0)
    finding = only(audit(local, slice_of("gateway", "n1", "n2"), *NODES))

    assert finding.reason == "no-health-check-port"
    assert finding.cure.command.count("kubectl patch service gateway") == 2


def test_nodes_are_read_once() -> None:
    """However many Services are Local, the nodes are those of one list."""
    names = ("a", "b", "c")
    played = cluster(
        *(service(name, "Local") for name in names),
        *(slice_of(name, "n1", "n2") for name in names),
        *NODES,
    )

    assert said(run(played, Options(), Selection())) == []
    assert played.asked.count("/api/v1/nodes") == 1


def test_endpoints_that_cannot_be_read_prove_nothing() -> None:
    """Without a right nothing is concluded, neither harm nor emptiness; the right is named."""
    played = cluster(
        service("a", "Local"), service("b", "Local", selector=None, created=AFTER), *NODES
    )
    played.fail(SLICES, Forbidden("HTTP 403"))
    report = run(played, Options(), Selection())

    assert said(report) == []
    assert [each.what for each in report.unknown] == [
        "endpointslices.discovery.k8s.io in namespace shop"
    ]
    assert report.exit_code == 2


def test_nodes_that_cannot_be_read_prove_nothing() -> None:
    """How many nodes are enough is not known then; that there is no endpoint is."""
    played = cluster(service("a", "Local"), service("b", "Local"), slice_of("a", "n1"))
    played.fail("/api/v1/nodes", Forbidden("HTTP 403"))
    report = run(played, Options(), Selection())

    assert said(report) == [("Service/b", "no-ready-endpoint")]
    assert [each.why[:35] for each in report.unknown] == ["the right to list nodes is missing:"]
