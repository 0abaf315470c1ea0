"""Gateways in namespaces that are not opted in, found by the routes that lead through them."""

from typing import Any

import pytest

from tests.unit.audit.auditing import audit, cluster, only, said, shown
from tests.unit.audit.objects import KEY, Object, namespace, service
from webhook.admission.options import Options
from webhook.audit.walk import Selection, run
from webhook.cluster import Forbidden

OURS = "ingress"
MANAGED = {
    "gateway.istio.io/managed": "istio.io-gateway-controller",
    "gateway.networking.k8s.io/gateway-name": "web",
}
WHERE = namespace(OURS, None)
BY_HELM = service("gw", namespace=OURS)
BY_ISTIOD = service("web-istio", namespace=OURS, labels=MANAGED, selector=MANAGED)


def route(
    of: str = "HTTPRoute", /, where: str = "shop", backend: Object | None = None, **parent: Any
) -> Object:
    """Make a route of the Gateway API."""
    parent = {"name": "web", "namespace": OURS} | parent
    rules = [{"backendRefs": [{"name": "httpbin", **(backend or {})}]}, {}]
    spec = {"parentRefs": [parent], "rules": rules}
    return {"kind": of, "metadata": {"name": "r", "namespace": where}, "spec": spec}


def virtual(
    *gateways: str, host: str = "httpbin", where: str = "shop", kind: str = "http"
) -> Object:
    """Make a VirtualService of Istio's."""
    spec = {"gateways": list(gateways), kind: [{"route": [{"destination": {"host": host}}]}, {}]}
    metadata = {"name": "v", "namespace": where}
    return {"kind": "VirtualService", "metadata": metadata, "spec": spec}


def istio_gateway(name: str = "public", where: str = OURS, **selector: str) -> Object:
    """Make a Gateway of Istio's."""
    spec = {"selector": selector or {"istio": "ingressgateway"}}
    return {"kind": "Gateway", "metadata": {"name": name, "namespace": where}, "spec": spec}


OPEN = [
    pytest.param((BY_HELM,), id="Helm's, where the cluster has no routes"),
    pytest.param((BY_ISTIOD,), id="istiod's, where the cluster has no routes"),
    pytest.param((BY_ISTIOD, route()), id="HTTPRoute"),
    pytest.param((BY_ISTIOD, route("GRPCRoute", kind="Gateway")), id="GRPCRoute"),
    pytest.param(
        (BY_ISTIOD, route(where=OURS, backend={"namespace": "shop"}, namespace=None)),
        id="route beside the gateway",
    ),
    pytest.param((BY_HELM, virtual("ingress/public"), istio_gateway()), id="VirtualService"),
    pytest.param(
        (BY_HELM, virtual("public", "mesh"), istio_gateway(where="shop")), id="Gateway beside it"
    ),
    pytest.param(
        (BY_HELM, virtual("public", host="httpbin.shop", where=OURS), istio_gateway()),
        id="short host",
    ),
    pytest.param(
        (
            BY_HELM,
            virtual("public", host="httpbin.shop.svc.cluster.local", where=OURS, kind="tcp"),
            istio_gateway(),
        ),
        id="full host",
    ),
]
SHUT = [
    pytest.param((BY_ISTIOD, route(name="other")), id="route of another gateway"),
    pytest.param((BY_ISTIOD, route(kind="Service")), id="route of a Service"),
    pytest.param((BY_ISTIOD, route(where="plain")), id="route of a plain namespace"),
    pytest.param((BY_ISTIOD, {**route(), "spec": {}}), id="route that leads nowhere"),
    pytest.param((BY_HELM, virtual("mesh")), id="VirtualService of the sidecars"),
    pytest.param((BY_HELM, virtual()), id="VirtualService without gateways"),
    pytest.param(
        (BY_HELM, virtual("ingress/public"), istio_gateway(istio="other")), id="other Pods"
    ),
    pytest.param(
        (BY_HELM, virtual("ingress/public"), istio_gateway(name="private")), id="other Gateway"
    ),
    pytest.param(
        (BY_HELM, virtual("ingress/public", host="example.com"), istio_gateway()), id="foreign host"
    ),
    pytest.param(
        (BY_HELM, virtual("public", where="plain", kind="tls"), istio_gateway(where="plain")),
        id="VirtualService of a plain namespace",
    ),
    pytest.param((service("gw", "Local", namespace=OURS),), id="Local"),
    pytest.param((service("gw", namespace=OURS, labels={KEY: "disabled"}),), id="opted out"),
    pytest.param((service("gw", namespace=OURS, type="ClusterIP"),), id="inside"),
    pytest.param((service("gw", namespace=OURS, selector={"app": "web"}),), id="no gateway"),
    pytest.param(
        (service("gw", namespace=OURS, labels={"topology.istio.io/network": "n"}),), id="east-west"
    ),
]


@pytest.mark.parametrize("objects", OPEN)
def test_gateway_on_the_way_is_found(objects: tuple[Object, ...]) -> None:
    """A gateway that leads to an application that is opted in has to be so too."""
    finding = only(audit(WHERE, *objects))

    assert (finding.owner.title, finding.reason) == ("Namespace/ingress", "gateway-not-opted-in")
    assert finding.cure.command == f"kubectl label namespace ingress {KEY}=north-south"
    assert shown(finding)[f"Namespace/ingress label {KEY}"] == "absent"


@pytest.mark.parametrize("objects", SHUT)
def test_what_is_not_on_the_way_is_not_found(objects: tuple[Object, ...]) -> None:
    """Neither gateways that lead elsewhere, nor what is no gateway, nor what needs nothing."""
    assert said(audit(WHERE, namespace("plain", None), *objects)) == []


def test_gateways_of_a_namespace_are_one_line() -> None:
    """The namespace is what has to be labelled."""
    four = [service(f"gw-{n}", namespace=OURS) for n in range(4)]
    finding = only(audit(WHERE, *four, page=2))

    assert (finding.count, len(finding.objects)) == (4, 3)


def test_half_of_the_namespace_is_kept() -> None:
    """A namespace that is opted in for its Pods is opted in for both then."""
    half = namespace(OURS, "east-west")
    finding = only(audit(half, BY_HELM))

    assert finding.cure.command.endswith(f"{KEY}=enabled --overwrite")


def test_namespace_that_says_disabled_wants_it_so() -> None:
    """Disabled is somebody's choice, and no gateway is waited for where nobody wants addresses."""
    assert said(audit(namespace(OURS, "disabled"), BY_HELM)) == []
    east_west = cluster(WHERE, BY_HELM)
    east_west.objects = (namespace("shop", "east-west"), *east_west.objects[1:])
    assert said(run(east_west, Options(), Selection())) == []
    assert "/api/v1/services" not in east_west.asked


def test_namespaces_that_are_named_have_no_others() -> None:
    """With -n nothing is said of other namespaces, and nothing is read of them."""
    played = cluster(WHERE, BY_HELM)

    assert said(run(played, Options(), Selection(namespaces=("shop",)))) == []
    assert "/api/v1/services" not in played.asked


def test_routes_that_cannot_be_read_lead_everywhere() -> None:
    """Where nobody can tell, a gateway counts, and the right is named."""
    played = cluster(WHERE, BY_HELM, route(name="other"))
    played.fail("/apis/networking.istio.io/v1beta1/virtualservices", Forbidden("HTTP 403"))
    report = run(played, Options(), Selection())

    assert said(report) == [("Namespace/ingress", "gateway-not-opted-in")]
    assert [each.what for each in report.unknown] == [
        "virtualservices.networking.istio.io in all namespaces"
    ]
