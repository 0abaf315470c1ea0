"""What Istio's real injector made of a Pod, and the Pods that it is asked about."""

import dataclasses
from typing import Any

from tests.controlplane import ApiError
from tests.e2e.conftest import Cluster, make_namespace, pods_of
from tests.e2e.objects import mode
from tests.e2e.registration import KEY
from tests.istio import pods

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Fate:
    """What became of a Pod.

    Attributes:
        interception: the mode that its proxy reports to istiod; None where there is no proxy.
        user: of the proxy.
        capabilities: added to the proxy's.
    """

    interception: str | None
    user: int | None = None
    capabilities: tuple[str, ...] = ()


TRANSPARENT = Fate("TPROXY", 0, ("NET_ADMIN",))
REDIRECTED = Fate("REDIRECT", 1337)
NOT_INJECTED = Fate(None)
REFUSED = Fate("refused")


def fate(pod: Json | None) -> Fate:
    """Read what became of a Pod; where there is an istio-init, it has to agree with the proxy."""
    if pod is None:
        return REFUSED
    if not pods.injected(pod):
        return NOT_INJECTED
    context = pods.proxy(pod)["securityContext"]
    interception = pods.interception_mode_env(pod)
    assert pods.init_mode(pod) in {None, interception}
    added = context.get("capabilities", {}).get("add", ())
    return Fate(interception, context.get("runAsUser"), tuple(added))


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeshPod:
    """A Pod and the namespace that it is created in."""

    says: str
    expected: Fate
    plain: Fate = REDIRECTED
    """What becomes of it in a namespace that has not opted in."""
    reason: str
    namespace: dict[str, str] = dataclasses.field(
        default_factory=lambda: {"istio-injection": "enabled"}
    )
    annotations: dict[str, str] = dataclasses.field(default_factory=dict)
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    spec: Json = dataclasses.field(default_factory=dict)

    def create(self, cluster: Cluster, *, opted_in: bool = True) -> Json | None:
        """Create it in a namespace of its own; None where it is refused."""
        labels = {**self.namespace, **({KEY: "enabled"} if opted_in else {})}
        name = make_namespace(cluster.plane, f"mesh-{cluster.number()}", labels)
        return create(cluster, name, self.manifest())

    def manifest(self) -> Json:
        """Write it as a developer would."""
        return {
            "metadata": {
                "generateName": "app-",
                "annotations": self.annotations,
                "labels": self.labels,
            },
            "spec": {"containers": [{"name": "app", "image": "example.org/app"}], **self.spec},
        }


def create(cluster: Cluster, namespace: str, manifest: Json) -> Json | None:
    """Create a Pod; None where somebody refuses it."""
    try:
        return cluster.plane.api.json("POST", pods_of(namespace), manifest)
    except ApiError as error:
        if error.status not in {400, 403, 422}:
            raise
        return None


def decision(cluster: Cluster, pod: Json | None) -> str | None:
    """Read our reason from our log; None where we were not asked."""
    if pod is None:
        return None
    events = cluster.service.decisions(pod["metadata"]["namespace"])
    return str(events[-1]["reason"]) if events else None


def annotated(pod: Json) -> bool:
    """Whether the Pod has the annotation that asks for TPROXY."""
    return mode(pod) == "TPROXY"
