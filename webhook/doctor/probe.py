"""Is it in force: what does a Pod, or a Service, come back as when it is created now?

By dry run: the API server does all that it does at a creation, and stores nothing. Where to try is
chosen by the rules themselves, among the namespaces that there are.

Source:
    Kubernetes API Concepts, "Dry-run"; Istio's environment variable ISTIO_META_INTERCEPTION_MODE
    (istio/istio injection-template.yaml), from which Envoy's listeners are made.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import msgspec

from webhook.admission import pods, review, services
from webhook.admission.decision import Outcome
from webhook.admission.mutation import Case
from webhook.cluster import ClusterError, answers
from webhook.doctor.checks import Area, Right, Subject, Verdict, failed, unknown, warning, well
from webhook.doctor.inspection import Inspection
from webhook.doctor.objects import Container, Named, PodSpec
from webhook.labels import INJECTION_STATUS, INTERCEPTION_MODE, NAMESPACE_INJECTION, REVISION

_NAME: Final = "source-ip-webhook-doctor"
_SYSTEM: Final = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
"""Namespaces in which nothing is tried."""
_LOCAL: Final = "Local"
_TPROXY: Final = "TPROXY"
_BY_HAND: Final = {
    "pods": f"run {_NAME} --image=registry.k8s.io/pause:3.10",
    "services": f"create service loadbalancer {_NAME} --tcp=80",
}
"""What tries the same with kubectl."""
_MODE: Final = "ISTIO_META_INTERCEPTION_MODE"
POD: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": _NAME},
    "spec": {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65535,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "pause",
                "image": "registry.k8s.io/pause:3.10",
                "resources": {
                    "requests": {"cpu": "1m", "memory": "1Mi"},
                    "limits": {"cpu": "100m", "memory": "16Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    },
}
"""A Pod that every policy should let in."""
SERVICE: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": _NAME},
    "spec": {
        "type": "LoadBalancer",
        "selector": {"app": _NAME},
        "ports": [{"name": "tcp", "port": 80}],
    },
}
"""A Service of a load balancer, for Pods that there are none of."""


class _Metadata(msgspec.Struct, gc=False):
    """``metadata`` of what came back."""

    annotations: dict[str, str] | None = None


class _Pod(msgspec.Struct, gc=False):
    """The Pod that came back."""

    metadata: _Metadata
    spec: PodSpec

    @property
    def annotation(self) -> str:
        """The interception mode that its annotation chooses; empty where there is none."""
        return (self.metadata.annotations or {}).get(INTERCEPTION_MODE, "")

    @property
    def injected(self) -> bool:
        """Whether Istio's injector has put a sidecar in."""
        return INJECTION_STATUS in (self.metadata.annotations or {})

    @property
    def mode(self) -> str:
        """The interception mode that its sidecar was rendered for; empty where there is none."""
        containers: list[Container] = [
            *(self.spec.containers or ()),
            *(self.spec.init_containers or ()),
        ]
        found = [
            variable.value
            for each in containers
            if each.name == "istio-proxy"
            for variable in each.env or ()
            if variable.name == _MODE
        ]
        return found[0] if found else ""


class _ServiceSpec(msgspec.Struct, gc=False, rename="camel"):
    """``spec`` of the Service that came back."""

    external_traffic_policy: str = ""


class _Service(msgspec.Struct, gc=False):
    """The Service that came back."""

    spec: _ServiceSpec


_pod = msgspec.json.Decoder(_Pod)
_service = msgspec.json.Decoder(_Service)


def probe_pod(inspection: Inspection) -> Iterator[Verdict]:
    """Does a Pod of an opted-in namespace come back with the annotation?"""
    place = next(_places(inspection, pods.MUTATION, review.Pod, POD, Outcome.PATCHED), None)
    if place is None:
        yield well("no namespace has opted in whose Pods would be changed, so none was tried")
        return
    made = _tried(inspection, place, "pods", POD, _pod)
    if isinstance(made, Verdict):
        yield made
        return
    shown = _annotation(place, made)
    rendered = f"{_probe(place, 'Pod')} container istio-proxy, env {_MODE}: {made.mode or 'absent'}"
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
    kind = review.Service
    place = next(_places(inspection, services.MUTATION, kind, SERVICE, Outcome.PATCHED), None)
    if place is None:
        yield well("no namespace has opted in whose Services would be changed, so none was tried")
        return
    made = _tried(inspection, place, "services", SERVICE, _service)
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
    left_alone = Outcome.SKIPPED
    found = list(_places(inspection, pods.MUTATION, review.Pod, POD, left_alone))
    asked = {each.name for each in inspection.any_opted_in}
    plain = [each for each in found if each.name not in asked]
    # Where Istio injects, what is set may be Istio's.
    plain.sort(key=lambda each: NAMESPACE_INJECTION in each.labels or REVISION in each.labels)
    if not plain:
        yield well("every namespace has opted in, so nothing can be tried that must stay as it is")
        return
    place = plain[0]
    pod = _tried(inspection, place, "pods", POD, _pod)
    service = _tried(inspection, place, "services", SERVICE, _service)
    stopped = [each for each in (pod, service) if isinstance(each, Verdict)]
    changed = []
    if isinstance(pod, _Pod) and pod.annotation == _TPROXY and not pod.injected:
        changed.append(_widened(place, "Pod", _annotation(place, pod)))
    if isinstance(service, _Service) and service.spec.external_traffic_policy == _LOCAL:
        changed.append(_widened(place, "Service", _policy(place, service)))
    yield from (*stopped, *changed)
    if not stopped and not changed:
        yield well(
            f"what is created in namespace {place.name}, which has not opted in, stays as it is",
            _annotation(place, pod),
            _policy(place, service),
        )


def _places(
    inspection: Inspection,
    mutation: Any,
    kind: type[review.Pod | review.Service],
    manifest: dict[str, Any],
    outcome: Outcome,
) -> Iterator[Named]:
    """Find namespaces in which our rules come to this outcome; those that Istio injects first."""
    ours = inspection.ours
    own = "" if ours is None or ours.service is None else ours.service[0]
    subject = msgspec.convert(manifest, kind)
    namespaces = [
        each
        for each in inspection.namespaces
        if each.name not in {*_SYSTEM, own} and not each.metadata.deletion_timestamp
    ]
    for each in sorted(namespaces, key=lambda one: NAMESPACE_INJECTION not in one.labels):
        case = Case(subject, None, each.labels, inspection.options, each.name)
        if mutation.decide(case).outcome is outcome:
            yield each


def _tried(
    inspection: Inspection,
    place: Named,
    plural: str,
    manifest: dict[str, Any],
    decoder: "msgspec.json.Decoder[Any]",
) -> Any:
    """Create an object by dry run; return it, or what is to be said where that is refused."""
    path = f"/api/v1/namespaces/{quote(place.name, safe='')}/{plural}"
    try:
        answer = inspection.client.send("POST", path, manifest, params={"dryRun": "All"})
        return answers.decode(decoder, answer.body, f"post {path}")
    except ClusterError as error:
        return unknown(
            f"a dry run of a creation in namespace {place.name} was refused",
            str(error),
            cure=f"kubectl -n {place.name} {_BY_HAND[plural]} --dry-run=server says all about it",
        )


def _widened(place: Named, kind: str, shown: str) -> Verdict:
    """Say that something was changed that must not be."""
    return failed(
        f"a new {kind} of namespace {place.name} is changed, which has not opted in",
        shown,
        cure="See the checks registration and other-webhooks for what does it",
    )


def _probe(place: Named, kind: str) -> str:
    return f"{kind}/{_NAME} of namespace {place.name} (dry run)"


def _annotation(place: Named, pod: _Pod) -> str:
    where = f"{_probe(place, 'Pod')} .metadata.annotations.{INTERCEPTION_MODE}"
    return f"{where}: {pod.annotation or 'absent'}"


def _policy(place: Named, service: _Service) -> str:
    where = f"{_probe(place, 'Service')} .spec.externalTrafficPolicy"
    return f"{where}: {service.spec.external_traffic_policy or 'absent'}"


_NAMESPACES: Final = (
    Right("list", "namespaces"),
    Right("list", "mutatingwebhookconfigurations", "admissionregistration.k8s.io"),
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
