"""Services of every kind, on the real API server: what is stored, and that nothing is refused."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.objects import load_balancer, policy

pytestmark = pytest.mark.e2e

NETWORK = "topology.istio.io/network"
MANAGED = "gateway.istio.io/managed"
AZURE_PLS_PROXY_PROTOCOL = "service.beta.kubernetes.io/azure-pls-proxy-protocol"


def store(cluster: Cluster, manifest: str, namespace: str = "", **metadata: Any) -> dict[str, Any]:
    """Apply a Service in an opted-in namespace, and read it back."""
    namespace = namespace or cluster.namespace()
    body = json.loads(manifest)
    body["metadata"] |= metadata
    cluster.kubectl("apply", "-f", "-", namespace=namespace, manifest=json.dumps(body))
    return cluster.plane.get("Service", "gw", namespace)


@pytest.mark.parametrize(
    "spec",
    [
        {"allocateLoadBalancerNodePorts": False},
        {"loadBalancerClass": "example.org/lb"},
        {"externalIPs": ["192.0.2.1"]},
        {"ipFamilyPolicy": "PreferDualStack"},
        {"sessionAffinity": "ClientIP"},
        {"internalTrafficPolicy": "Local"},
        {"trafficDistribution": "PreferClose"},
        {"publishNotReadyAddresses": True},
    ],
    ids=lambda spec: next(iter(spec)),
)
def test_load_balancer_of_any_kind_is_local(cluster: Cluster, spec: dict[str, Any]) -> None:
    """Whatever else a load balancer asks for, Local is valid with it and gets a health check."""
    service = store(cluster, load_balancer(**spec))

    assert policy(service) == "Local"
    assert service["spec"]["healthCheckNodePort"]
    assert {key: service["spec"][key] for key in spec} == spec


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"type": "ClusterIP"}, None),
        ({"type": "ClusterIP", "clusterIP": "None"}, None),
        ({"type": "ClusterIP", "externalIPs": ["192.0.2.1"]}, "Cluster"),
        ({"type": "NodePort"}, "Cluster"),
        ({"type": "ExternalName", "externalName": "example.org", "ports": None}, None),
    ],
    ids=["ClusterIP", "headless", "externalIPs", "NodePort", "ExternalName"],
)
def test_other_service_is_stored_as_written(
    cluster: Cluster, spec: dict[str, Any], expected: str | None
) -> None:
    """A Service that is no load balancer is neither changed nor refused."""
    assert policy(store(cluster, load_balancer(**spec))) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"istio": "ingressgateway"}, "Local"),
        ({MANAGED: "istio.io-gateway-controller"}, "Local"),
        ({MANAGED: "istio.io-mesh-controller"}, "Cluster"),
        ({MANAGED: "istio.io-eastwest-controller"}, "Cluster"),
        ({NETWORK: "network-1"}, "Cluster"),
    ],
    ids=["Helm", "Gateway API", "waypoint", "east-west", "east-west by Helm"],
)
def test_gateways_are_told_apart(cluster: Cluster, labels: dict[str, str], expected: str) -> None:
    """Ingress gateways get the setting; waypoints and east-west gateways do not."""
    assert policy(store(cluster, load_balancer(), labels=labels)) == expected


@pytest.mark.parametrize(("backend", "expected"), [("eni", "Cluster"), ("ecs", "Local")])
def test_eni_load_balancer_is_left_alone(cluster: Cluster, backend: str, expected: str) -> None:
    """Where Alibaba Cloud's load balancer reaches pods directly, nothing is changed."""
    annotations = {"service.beta.kubernetes.io/backend-type": backend}

    assert policy(store(cluster, load_balancer(), annotations=annotations)) == expected


@pytest.mark.parametrize(
    ("spec", "annotations", "reason"),
    [
        ({"selector": None}, {}, "no-selector"),
        ({}, {"metallb.io/allow-shared-ip": "a"}, "shared-address"),
        ({"loadBalancerClass": "io.cilium/l2-announcer"}, {}, "cilium-l2"),
        ({}, {AZURE_PLS_PROXY_PROTOCOL: "true"}, "azure-pls-proxy-protocol"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("written", [None, "Local"])
def test_load_balancer_on_which_local_does_harm(
    cluster: Cluster,
    spec: dict[str, Any],
    annotations: dict[str, str],
    reason: str,
    written: str | None,
) -> None:
    """It stays as the API server has it, and its author is told; who writes Local means it."""
    namespace = cluster.namespace()
    body = json.loads(load_balancer(written, **spec))
    body["metadata"]["annotations"] = annotations
    _, told = cluster.kubectl("apply", "-f", "-", namespace=namespace, manifest=json.dumps(body))

    assert policy(cluster.plane.get("Service", "gw", namespace)) == (written or "Cluster")
    assert ("Warning: externalTrafficPolicy is left alone" in told) is (written is None)
    (decision,) = cluster.service.decisions(namespace)
    assert decision["reason"] == ("already-set" if written else reason)


def test_service_of_a_controller_gets_the_setting(cluster: Cluster) -> None:
    """A Service that another object owns is changed at its creation like any other."""
    namespace = cluster.namespace()
    account = cluster.plane.get("ServiceAccount", "default", namespace)["metadata"]
    owner = {"name": account["name"], "uid": account["uid"], "controller": True}
    owner |= {"apiVersion": "v1", "kind": "ServiceAccount"}
    service = store(cluster, load_balancer(), namespace, ownerReferences=[owner])

    assert policy(service) == "Local"


def test_gateway_of_istiod_keeps_the_setting_when_it_is_applied_again(cluster: Cluster) -> None:
    """Istiod's own way of writing, a forced server-side apply, neither drops nor fights it."""
    namespace = cluster.namespace()
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager")
    for _ in range(2):
        cluster.kubectl(
            *(*apply, "istio.io/gateway-controller", "-f", "-"),
            namespace=namespace,
            manifest=load_balancer(ipFamilyPolicy="PreferDualStack"),
        )
        assert policy(cluster.plane.get("Service", "gw", namespace)) == "Local"
