"""Which gateways lead to which applications: the routes of the Gateway API and of Istio.

Source:
    Gateway API, HTTPRoute, ``parentRefs``; istio/api networking/v1/virtual_service.proto and
    gateway.proto.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from webhook.audit.objects import LiveObjectMeta
from webhook.audit.reading import Reader
from webhook.audit.service_objects import LiveService
from webhook.cluster.answers import Page
from webhook.labels import GATEWAY_NAME

_MESH: Final = "mesh"
"""What a VirtualService calls the sidecars."""


class _Wire(msgspec.Struct, gc=False, rename="camel"):
    """Part of an object, spelled in camelCase on the wire."""


class _Reference(_Wire):
    """One of ``parentRefs`` or ``backendRefs`` of a route of the Gateway API."""

    name: str = ""
    namespace: str | None = None
    kind: str | None = None


class _RouteRule(_Wire):
    """One of the ``rules`` of a route."""

    backend_refs: list[_Reference] | None = None


class _RouteSpec(_Wire):
    """``spec`` of a route."""

    parent_refs: list[_Reference] | None = None
    rules: list[_RouteRule] | None = None


class _Route(_Wire):
    """An HTTPRoute, a GRPCRoute, or another route of the Gateway API."""

    metadata: LiveObjectMeta
    spec: _RouteSpec = msgspec.field(default_factory=_RouteSpec)


class _Destination(_Wire):
    """``destination`` of a VirtualService."""

    host: str = ""


class _Weighted(_Wire):
    """One of ``http[*].route``, and of its like."""

    destination: _Destination = msgspec.field(default_factory=_Destination)


class _VirtualRoute(_Wire):
    """One of ``http``, ``tls`` or ``tcp``."""

    route: list[_Weighted] | None = None


class _VirtualServiceSpec(_Wire):
    """``spec`` of a VirtualService."""

    gateways: list[str] | None = None
    http: list[_VirtualRoute] | None = None
    tls: list[_VirtualRoute] | None = None
    tcp: list[_VirtualRoute] | None = None


class _VirtualService(_Wire):
    """A VirtualService."""

    metadata: LiveObjectMeta
    spec: _VirtualServiceSpec = msgspec.field(default_factory=_VirtualServiceSpec)


class _GatewaySpec(_Wire):
    """``spec`` of Istio's Gateway: whose Pods it is for."""

    selector: dict[str, str] | None = None


class _Gateway(_Wire):
    """Istio's Gateway."""

    metadata: LiveObjectMeta
    spec: _GatewaySpec = msgspec.field(default_factory=_GatewaySpec)


_ROUTES: Final = {
    "httproutes.gateway.networking.k8s.io": "/apis/gateway.networking.k8s.io/v1/httproutes",
    "grpcroutes.gateway.networking.k8s.io": "/apis/gateway.networking.k8s.io/v1/grpcroutes",
    "tlsroutes.gateway.networking.k8s.io": "/apis/gateway.networking.k8s.io/v1alpha2/tlsroutes",
    "tcproutes.gateway.networking.k8s.io": "/apis/gateway.networking.k8s.io/v1alpha2/tcproutes",
}
_VIRTUAL_SERVICES: Final = (
    "virtualservices.networking.istio.io",
    "/apis/networking.istio.io/v1beta1/virtualservices",
)
_GATEWAYS: Final = (
    "gateways.networking.istio.io",
    "/apis/networking.istio.io/v1beta1/gateways",
)
"""Istio's kinds: the name as in a Role, and the path of the collection."""
_routes = msgspec.json.Decoder(Page[_Route])
_virtual_services = msgspec.json.Decoder(Page[_VirtualService])
_gateways = msgspec.json.Decoder(Page[_Gateway])
Name = tuple[str, str]
"""Namespace and name."""


class Routes(NamedTuple):
    """Which gateways lead to applications that are opted in."""

    gateways: frozenset[Name]
    """Gateways of the Gateway API."""
    selectors: tuple[Mapping[str, str], ...]
    """Labels of the Pods of Istio's Gateways."""

    def lead_through(self, service: LiveService) -> bool:
        """Tell whether a gateway's Service is on the way to such an application."""
        name = (service.metadata.labels or {}).get(GATEWAY_NAME)
        if name is not None:
            return (service.metadata.namespace, name) in self.gateways
        own = (service.spec.selector or {}).items()
        return any(selector.items() <= own for selector in self.selectors)


def read_routes(reader: Reader, opted_in: frozenset[str]) -> Routes | None:
    """Find which gateways lead to applications in some namespaces.

    Args:
        reader: Reads the cluster.
        opted_in: The namespaces.

    Returns:
        ``None`` where it cannot be told: the cluster has no such kinds, or one cannot be read.
    """
    before = reader.failures
    lists = 0
    parents: set[Name] = set()
    for resource, path in _ROUTES.items():
        for routes in reader.pages(resource, path, _routes, namespace=""):
            lists += 1
            parents |= {name for each in routes for name in _parents(each, opted_in)}
    named: set[Name] = set()
    for virtual in reader.pages(*_VIRTUAL_SERVICES, _virtual_services, namespace=""):
        lists += 1
        named |= {name for each in virtual for name in _named_gateways(each, opted_in)}
    selectors = [
        each.spec.selector
        for gateways in (reader.pages(*_GATEWAYS, _gateways, namespace="") if named else ())
        for each in gateways
        if each.spec.selector and (each.metadata.namespace, each.metadata.name) in named
    ]
    if not lists or reader.failures > before:
        return None
    return Routes(frozenset(parents), tuple(selectors))


def _backends(route: _Route) -> set[str]:
    """Name the namespaces that a route leads to."""
    own = route.metadata.namespace
    return {
        reference.namespace or own
        for rule in route.spec.rules or ()
        for reference in rule.backend_refs or ()
    }


def _parents(route: _Route, opted_in: frozenset[str]) -> Iterator[Name]:
    """Name the gateways of a route that leads where it counts; a Service can be a parent too."""
    if opted_in.isdisjoint(_backends(route)):
        return
    for parent in route.spec.parent_refs or ():
        if parent.kind in {None, "Gateway"}:
            yield parent.namespace or route.metadata.namespace, parent.name


def _destinations(virtual: _VirtualService) -> set[str]:
    """Name the namespaces that a VirtualService leads to."""
    spec, own = virtual.spec, virtual.metadata.namespace
    routes = itertools.chain(spec.http or (), spec.tls or (), spec.tcp or ())
    return {
        _namespace_of(each.destination.host, own) for route in routes for each in route.route or ()
    }


def _namespace_of(host: str, own: str) -> str:
    """Tell the namespace of a Service by its host, short or full."""
    _, *rest = host.split(".")
    return rest[0] if rest and rest[1:2] in ([], ["svc"]) else own


def _named_gateways(virtual: _VirtualService, opted_in: frozenset[str]) -> Iterator[Name]:
    """Name Istio's Gateways of a VirtualService that leads where it counts."""
    if opted_in.isdisjoint(_destinations(virtual)):
        return
    for gateway in virtual.spec.gateways or ():
        namespace, slash, name = gateway.rpartition("/")
        if name != _MESH:
            yield (namespace if slash else virtual.metadata.namespace), name
