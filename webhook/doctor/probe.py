"""Is it in force: what does a Pod, or a Service, come back as when it is created now?

Source:
    istio/istio injection-template.yaml: the sidecar's environment variable
    ISTIO_META_INTERCEPTION_MODE, from which Envoy's listeners are made.
"""

from collections.abc import Iterator
from typing import Final

from webhook.admission.decision import Outcome
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Right,
    Subject,
    Verdict,
    failed,
    warning,
    well,
)
from webhook.doctor.dryrun import MODE, NAME, POD, SERVICE, MadePod, MadeService, places, tried
from webhook.doctor.inspection import Inspection
from webhook.doctor.objects import Named
from webhook.labels import INTERCEPTION_MODE, NAMESPACE_INJECTION, REVISION

_LOCAL: Final = "Local"
_TPROXY: Final = "TPROXY"


def probe_pod(inspection: Inspection) -> Iterator[Verdict]:
    """Does a Pod of an opted-in namespace come back with the annotation?"""
    place = next(places(inspection, POD, Outcome.PATCHED), None)
    if place is None:
        yield well("no namespace has opted in whose Pods would be changed, so none was tried")
        return
    made = tried(inspection, place, POD)
    if isinstance(made, Verdict):
        yield made
        return
    shown = _annotation(place, made)
    rendered = f"{_probe(place, 'Pod')} container istio-proxy, env {MODE}: {made.mode or 'absent'}"
    if made.annotation != _TPROXY:
        yield failed(
            f"a new Pod of namespace {place.name} does not get the annotation",
            shown,
            cure="See the failed checks above; if there are none, the log of the webhook",
        )
    elif made.mode == _TPROXY:
        yield well(
            "in force: a new Pod gets the annotation, and a sidecar in TPROXY mode", shown, rendered
        )
    elif made.injected:
        yield failed(
            "a new Pod gets the annotation, and a sidecar that was rendered for another mode",
            shown,
            rendered,
            cure="Let the webhook be asked before Istio's injector: see the check order",
        )
    elif NAMESPACE_INJECTION in place.labels or REVISION in place.labels:
        yield warning(
            f"a new Pod gets the annotation and no sidecar, though namespace {place.name} asks for "
            "one",
            shown,
            rendered,
            cure="Look why Istio's injector is not asked, or does not answer: istioctl x "
            f"check-inject -n {place.name}",
        )
    else:
        yield well("a new Pod gets the annotation; no label asks for a sidecar", shown)


def probe_service(inspection: Inspection) -> Iterator[Verdict]:
    """Does a load balancer's Service of an opted-in namespace come back with ``Local``?"""
    place = next(places(inspection, SERVICE, Outcome.PATCHED), None)
    if place is None:
        yield well("no namespace has opted in whose Services would be changed, so none was tried")
        return
    made = tried(inspection, place, SERVICE)
    if isinstance(made, Verdict):
        yield made
        return
    shown = _policy(place, made)
    if made.spec.external_traffic_policy == _LOCAL:
        yield well("in force: a new load balancer's Service gets Local", shown)
    else:
        yield failed(
            f"a new load balancer's Service of namespace {place.name} does not get Local",
            shown,
            cure="See the failed checks above; if there are none, the log of the webhook",
        )


def probe_plain(inspection: Inspection) -> Iterator[Verdict]:
    """Do Pod and Service of a namespace that has not opted in come back as they were?"""
    unchanged = list(places(inspection, POD, Outcome.SKIPPED))
    asked = {each.name for each in inspection.any_opted_in}
    plain = [each for each in unchanged if each.name not in asked]
    # Where Istio injects, what is set may be Istio's.
    plain.sort(key=lambda each: NAMESPACE_INJECTION in each.labels or REVISION in each.labels)
    if not plain:
        yield well("every namespace has opted in, so nothing can be tried that must stay as it is")
        return
    place = plain[0]
    found: list[Verdict] = []
    evidence = []
    pod = tried(inspection, place, POD)
    if isinstance(pod, Verdict):
        found.append(pod)
    else:
        evidence.append(_annotation(place, pod))
        if pod.annotation == _TPROXY and not pod.injected:
            found.append(_widened(place, "Pod", evidence[-1]))
    service = tried(inspection, place, SERVICE)
    if isinstance(service, Verdict):
        found.append(service)
    else:
        evidence.append(_policy(place, service))
        if service.spec.external_traffic_policy == _LOCAL:
            found.append(_widened(place, "Service", evidence[-1]))
    yield from found or (
        well(
            f"what is created in namespace {place.name}, which has not opted in, stays as it is",
            *evidence,
        ),
    )


def _widened(place: Named, kind: str, shown: str) -> Verdict:
    """Say that something was changed that must not be."""
    return failed(
        f"a new {kind} of namespace {place.name} is changed, which has not opted in",
        shown,
        cure="See the checks registration and other-webhooks for what does it",
    )


def _probe(place: Named, kind: str) -> str:
    return f"{kind}/{NAME} of namespace {place.name} (dry run)"


def _annotation(place: Named, pod: MadePod) -> str:
    where = f"{_probe(place, 'Pod')} .metadata.annotations.{INTERCEPTION_MODE}"
    return f"{where}: {pod.annotation or 'absent'}"


def _policy(place: Named, service: MadeService) -> str:
    where = f"{_probe(place, 'Service')} .spec.externalTrafficPolicy"
    return f"{where}: {service.spec.external_traffic_policy or 'absent'}"


_NAMESPACES: Final = (
    Right("list", "namespaces"),
    LIST_CONFIGURATIONS,
)
CHECKS: Final = (
    Subject(
        name="probe-pod",
        area=Area.PROBE,
        about="A Pod that is created by dry run in a namespace that has opted in comes back with "
        "the annotation, and with a sidecar that was rendered for TPROXY.",
        why="It is what all other checks are about, seen as it is.",
        cure="The failed checks before it say what is wrong.",
        rights=(*_NAMESPACES, Right("create", "pods")),
        ask=probe_pod,
    ),
    Subject(
        name="probe-service",
        area=Area.PROBE,
        about="A Service of type LoadBalancer, created likewise, comes back with Local.",
        why="Likewise.",
        cure="The failed checks before it say what is wrong.",
        rights=(*_NAMESPACES, Right("create", "services")),
        ask=probe_service,
    ),
    Subject(
        name="probe-plain",
        area=Area.PROBE,
        about="A Pod and a Service in a namespace that has not opted in stay as they are.",
        why="Nobody may be changed who has not asked for it.",
        cure="Look at `registration` and `other-webhooks`.",
        rights=(*_NAMESPACES, Right("create", "pods"), Right("create", "services")),
        ask=probe_plain,
    ),
)
"""In the order in which they are made."""
