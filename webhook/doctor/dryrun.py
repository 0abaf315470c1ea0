"""How a Pod or a Service is created by dry run, where, and what comes back.

The API server does all that it does at a creation, and stores nothing. Where to try is chosen by
the rules themselves, among the namespaces that there are.

Source:
    Kubernetes API Concepts, "Dry-run".
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from webhook.admission import pods, services
from webhook.admission.decision import Outcome
from webhook.admission.mutation import Case, Mutation
from webhook.admission.sidecars import NO_SIDECARS, Sidecars
from webhook.cluster import ClusterError, answers
from webhook.doctor.checks import Verdict, unknown
from webhook.doctor.inspection import Inspection
from webhook.doctor.objects import Container, Named, PodSpec
from webhook.labels import INJECTION_STATUS, INTERCEPTION_MODE, NAMESPACE_INJECTION

T = TypeVar("T")
NAME: Final = "source-ip-webhook-doctor"
"""What is created is called so."""
MODE: Final = "ISTIO_META_INTERCEPTION_MODE"
"""Environment variable of a sidecar, from which Envoy's listeners are made."""
_SYSTEM: Final = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
"""Namespaces in which nothing is tried."""
_POD: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": NAME},
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
_SERVICE: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": NAME},
    "spec": {
        "type": "LoadBalancer",
        "selector": {"app": NAME},
        "ports": [{"name": "tcp", "port": 80}],
    },
}
"""A Service of a load balancer, for Pods that there are none of."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[T]):
    """A kind of object that is tried."""

    plural: str
    """Of its path."""

    manifest: dict[str, Any]
    """What is created."""

    by_hand: str
    """What tries the same with kubectl."""

    mutation: Mutation[Any]
    """The rules for it."""

    made: type[T]
    """What is read of it when it comes back."""


class _Metadata(msgspec.Struct, gc=False):
    """``metadata`` of what came back."""

    annotations: dict[str, str] | None = None


class MadePod(msgspec.Struct, gc=False):
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
            if variable.name == MODE
        ]
        return found[0] if found else ""


class _ServiceSpec(msgspec.Struct, gc=False, rename="camel"):
    """``spec`` of the Service that came back."""

    external_traffic_policy: str = ""


class MadeService(msgspec.Struct, gc=False):
    """The Service that came back."""

    spec: _ServiceSpec


POD: Final = Attempt(
    plural="pods",
    manifest=_POD,
    by_hand=f"run {NAME} --image=registry.k8s.io/pause:3.10",
    mutation=pods.MUTATION,
    made=MadePod,
)
SERVICE: Final = Attempt(
    plural="services",
    manifest=_SERVICE,
    by_hand=f"create service loadbalancer {NAME} --tcp=80",
    mutation=services.MUTATION,
    made=MadeService,
)


def places(inspection: Inspection, attempt: Attempt[T], outcome: Outcome) -> Iterator[Named]:
    """Find namespaces in which our rules come to this outcome; those that Istio injects first.

    Raises:
        ClusterError: The namespaces cannot be read.
    """
    ours = inspection.ours
    own = "" if ours is None or ours.service is None else ours.service[0]
    sidecars = NO_SIDECARS
    if ours is not None:  # policies read none
        with contextlib.suppress(ClusterError):
            sidecars = Sidecars(inspection.sidecars)
    subject = msgspec.convert(attempt.manifest, attempt.mutation.kind)
    namespaces = [
        each
        for each in inspection.namespaces
        if each.name not in {*_SYSTEM, own} and not each.metadata.deletion_timestamp
    ]
    for each in sorted(namespaces, key=lambda one: NAMESPACE_INJECTION not in one.labels):
        case = Case(subject, None, each.labels, inspection.options, each.name, sidecars)
        if attempt.mutation.decide(case).outcome is outcome:
            yield each


def tried(inspection: Inspection, place: Named, attempt: Attempt[T]) -> T | Verdict:
    """Create an object by dry run; return it, or what is to be said where that is refused."""
    path = f"/api/v1/namespaces/{quote(place.name, safe='')}/{attempt.plural}"
    try:
        answer = inspection.client.send("POST", path, attempt.manifest, params={"dryRun": "All"})
        return answers.decode(msgspec.json.Decoder(attempt.made), answer.body, f"post {path}")
    except ClusterError as error:
        return unknown(
            f"a dry run of a creation in namespace {place.name} was refused",
            str(error),
            cure=f"kubectl -n {place.name} {attempt.by_hand} --dry-run=server",
        )
