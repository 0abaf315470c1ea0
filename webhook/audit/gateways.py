"""Gateways whose namespace is not opted in, although they lead to applications that are.

An application sees through a gateway what the gateway tells of its client, and the gateway knows
no more than its own Service lets through. So its namespace has to be opted in as well.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Final

from webhook.admission.authorship import CLUSTER
from webhook.admission.decision import CommonReason
from webhook.audit import cures
from webhook.audit.findings import AuditReason, Evidence, Finding, Owner
from webhook.audit.namespaces import OptedIn
from webhook.audit.reading import Reader
from webhook.audit.routes import read_routes
from webhook.audit.service_objects import LiveService
from webhook.audit.services import POLICY, is_examined, judge
from webhook.labels import GATEWAY_NAME, MANAGED_GATEWAY, Half, Mode

_ISTIO: Final = "istio"
"""Key of the label by which the Pods of Istio's own gateways are known and selected.

Source:
    istio/istio manifests/charts/gateway/templates/_helpers.tpl.
"""
_SAMPLES: Final = 3
"""Services that a finding names."""


def not_opted_in(
    reader: Reader, places: Iterable[OptedIn], pages: Iterable[list[LiveService]]
) -> Iterator[Finding]:
    """Find namespaces with such gateways.

    Args:
        reader: Reads the routes.
        places: All namespaces.
        pages: The Services of all namespaces; only read where it matters.
    """
    known = {each.name: each for each in places}
    opted_in = frozenset(name for name, each in known.items() if each.asks_for(Half.NORTH_SOUTH))
    others = {
        name: _as_if_opted_in(each)
        for name, each in known.items()
        if name not in opted_in and each.labels.get(each.options.label_key) != Mode.DISABLED
    }
    waiting: dict[str, list[LiveService]] = {}
    for page in pages if opted_in and others else ():
        for service in page:
            place = others.get(service.metadata.namespace)
            if place is not None and is_gateway(service) and _gets_setting(service, place):
                # With the raw text of a field the body of the whole page would stay.
                service.metadata.managed_fields = None
                waiting.setdefault(place.name, []).append(service)
    routes = read_routes(reader, opted_in) if waiting else None
    for name, found in waiting.items():
        leading = [each for each in found if routes is None or routes.lead_through(each)]
        if leading:
            yield _finding(known[name], leading)


def _as_if_opted_in(place: OptedIn) -> OptedIn:
    labels = {**place.labels, place.options.label_key: Mode.NORTH_SOUTH}
    return dataclasses.replace(place, labels=labels)


def is_gateway(service: LiveService) -> bool:
    """Tell whether a Service is an ingress gateway's."""
    labels = service.metadata.labels or {}
    return (
        labels.get(MANAGED_GATEWAY) == "istio.io-gateway-controller"
        or GATEWAY_NAME in labels
        or _ISTIO in (service.spec.selector or {})
    )


def _gets_setting(service: LiveService, place: OptedIn) -> bool:
    """Whether a gateway's Service would be changed, were it created now.

    Not one that is Local already: the rules would say so.
    """
    return is_examined(service, place) and judge(service, place).reason is CommonReason.ADDED


def _finding(place: OptedIn, found: list[LiveService]) -> Finding:
    """Make the finding of a namespace with gateways."""
    reason, key = AuditReason.GATEWAY_NOT_OPTED_IN, place.options.label_key
    return Finding(
        namespace=place.name,
        owner=Owner("v1", "Namespace", place.name),
        level=reason.level,
        reason=str(reason),
        sentence=reason.sentence,
        evidence=(
            Evidence(f"Namespace/{place.name} label {key}", place.labels.get(key, "absent")),
            Evidence(f"Service/{found[0].metadata.name} {POLICY}", CLUSTER),
        ),
        objects=tuple(f"Service/{each.metadata.name}" for each in found[:_SAMPLES]),
        count=len(found),
        cure=cures.opt_in(place.name, place.labels, key),
    )
