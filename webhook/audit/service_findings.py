"""What is said of the Services of a cluster, of their endpoints and nodes, and what mends it."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import msgspec

from webhook.audit import cures, services
from webhook.audit.findings import AuditReason, Cure, Finding, Level, Owner
from webhook.audit.namespaces import OptedIn
from webhook.audit.objects import helm_release
from webhook.audit.owners import Owners
from webhook.audit.reading import Reader
from webhook.audit.service_objects import EndpointSlice, LiveNode, LiveService
from webhook.cluster.answers import Page

_NODES: Final = "/api/v1/nodes"
_SERVICE_NAME: Final = "kubernetes.io/service-name"
"""Label of an EndpointSlice: whose it is.

Source:
    Kubernetes, EndpointSlices, "Ownership".
"""
_slices = msgspec.json.Decoder(Page[EndpointSlice])
_nodes = msgspec.json.Decoder(Page[LiveNode])


class ServiceFindings:
    """Audits the Services of a cluster.

    Args:
        reader: Reads the cluster.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known_nodes: services.Nodes | None = None
        self._asked_for_nodes = False

    def of(self, service: LiveService, place: OptedIn) -> Iterator[Finding]:
        """Audit a Service.

        Args:
            service: As it is in the cluster.
            place: Its namespace, which asks for the setting.
        """
        if not services.is_examined(service, place):
            return
        if not services.is_local(service):
            shown = services.clustered(service, place)
            if shown is not None:
                yield _finding(service, place, shown, _cure_of_cluster(service, place, shown))
            return
        ready = self._ready_nodes(service, place)
        harmed = services.harmed(service, place, named_nodes=ready is None or bool(ready))
        if harmed is not None:
            cure = _set_policy(service, place, "Cluster")
            yield _finding(service, place, harmed, cure)
        elif ready is not None:
            for each in services.reached(service, ready, self._nodes()):
                yield _finding(service, place, each, self._cure_of_local(service, place, each))

    def _cure_of_local(self, service: LiveService, place: OptedIn, shown: services.Shown) -> Cure:
        """Find what mends a Service that is Local and should stay so."""
        if shown.level is Level.NOTE:
            return cures.NOTHING
        name, selector = service.metadata.name, service.spec.selector or {}
        if shown.reason is AuditReason.NO_HEALTH_CHECK_PORT:
            return cures.new_health_check_port(name, place.name)
        workload = Owners(self._reader, place).behind(selector) if selector else None
        if shown.reason is AuditReason.ONE_NODE:
            return cures.spread(workload, place.name, selector)
        return cures.make_ready(workload, place.name, selector)

    def _ready_nodes(self, service: LiveService, place: OptedIn) -> frozenset[str] | None:
        """Read on which nodes a Service has ready endpoints; ``None`` where nobody can tell."""
        failures = self._reader.failures
        path = f"/apis/discovery.k8s.io/v1/namespaces/{quote(place.name, safe='')}/endpointslices"
        params = {"labelSelector": f"{_SERVICE_NAME}={service.metadata.name}"}
        found = frozenset(
            each.node_name
            for page in self._reader.pages(
                "endpointslices.discovery.k8s.io",
                path,
                _slices,
                namespace=place.name,
                params=params,
            )
            for part in page
            for each in part.endpoints or ()
            if each.ready and each.node_name is not None
        )
        return found if self._reader.failures == failures else None

    def _nodes(self) -> services.Nodes | None:
        """Read the nodes of the cluster, once; ``None`` where nobody can tell."""
        if not self._asked_for_nodes:
            self._asked_for_nodes = True
            failures = self._reader.failures
            nodes = [each for page in self._reader.pages("nodes", _NODES, _nodes) for each in page]
            if self._reader.failures == failures:
                self._known_nodes = services.nodes_of(nodes)
        return self._known_nodes


def _cure_of_cluster(service: LiveService, place: OptedIn, shown: services.Shown) -> Cure:
    """Find what mends a Service that is Cluster."""
    if shown.level is Level.NOTE:
        return cures.NOTHING
    if isinstance(shown.reason, AuditReason):
        return _set_policy(service, place, "Local")
    keep = cures.keep_policy(service.metadata.name, place.name, place.options.label_key)
    advice = f"Write Local where Cluster is written too. To keep Cluster: {keep}"
    cure = _set_policy(service, place, "Local", advice)
    return Cure(cure.command, advice=cure.advice)


def _set_policy(service: LiveService, place: OptedIn, policy: str, advice: str = "") -> Cure:
    release = helm_release(service.metadata)
    name = service.metadata.name
    return cures.set_policy(name, place.name, policy, helm_release=release, advice=advice)


def _finding(service: LiveService, place: OptedIn, shown: services.Shown, cure: Cure) -> Finding:
    """Make the finding of a Service."""
    owner = Owner("v1", "Service", service.metadata.name, helm_release(service.metadata))
    return Finding(
        namespace=place.name,
        owner=owner,
        level=shown.level,
        reason=str(shown.reason),
        sentence=shown.reason.sentence,
        evidence=shown.evidence,
        objects=(owner.title,),
        count=1,
        cure=cure,
    )
