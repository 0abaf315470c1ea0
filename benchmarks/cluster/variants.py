"""The ways to set the annotation that are compared, and the namespace in which each is in force.

All of them are installed in the cluster at the same time. Which of them is called for a Pod is
decided by the labels of its namespace, as anywhere, so that they can take turns without anything
being installed or removed between the turns.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.cluster import peers, policies
from webhook.admission.options import DEFAULT_LABEL_KEY

Json = dict[str, Any]

OURS: Final = "pods.source-ip-webhook.io"
"""Our entry of the chart's MutatingWebhookConfiguration that is for Pods."""
ISTIO: Final = "namespace.sidecar-injector.istio.io"
"""Istio's entry for namespaces with the label ``istio-injection``."""

_MODE: Final = "sidecar.istio.io/interceptionMode"
_INJECTED: Final = "sidecar.istio.io/status"
"""The annotation that Istio's injector leaves on each Pod that it has changed."""
_OPTED_IN: Final = {DEFAULT_LABEL_KEY: "enabled"}
_IN_MESH: Final = {"istio-injection": "enabled"}


@dataclasses.dataclass(frozen=True, slots=True)
class Variant:
    """What is called when a Pod is created in one namespace."""

    name: str
    """Also the name of the namespace."""

    title: str
    """In the words of a reader."""

    labels: Mapping[str, str]
    """Of the namespace."""

    patched: bool
    """Whether a Pod gets the annotation there."""

    injected: bool
    """Whether a Pod gets Istio's sidecar there."""

    called: tuple[str, ...]
    """The webhooks that the API server calls for it, by the names of their entries."""

    def shown_by(self, pod: Json) -> bool:
        """Tell whether a Pod is as it has to be in this namespace."""
        annotations = pod["metadata"].get("annotations", {})
        patched = annotations.get(_MODE) == "TPROXY"
        return (patched, _INJECTED in annotations) == (self.patched, self.injected)


def _of(peer: peers.Peer, title: str) -> Variant:
    """Make the variant of a peer, which does what we do."""
    return Variant(
        peer.name, title, peer.labels, patched=True, injected=False, called=(peer.webhook,)
    )


NONE: Final = Variant("none", "no webhook", {}, patched=False, injected=False, called=())
OUR_OWN: Final = Variant(
    "ours", "source-ip-webhook", _OPTED_IN, patched=True, injected=False, called=(OURS,)
)
PEER: Final = _of(peers.CONTROLLER_RUNTIME, "controller-runtime webhook")
LEAST: Final = _of(peers.LEAST, "the least a webhook can do")
POLICY: Final = Variant(
    "policy", "the same rules as policies", policies.LABELS, patched=True, injected=False, called=()
)
INJECTOR: Final = Variant(
    "istio", "Istio's injector", _IN_MESH, patched=False, injected=True, called=(ISTIO,)
)
BOTH: Final = Variant(
    "istio-and-ours",
    "Istio's injector and ours",
    {**_OPTED_IN, **_IN_MESH},
    patched=True,
    injected=True,
    called=(OURS, ISTIO),
)
ALL: Final = (NONE, OUR_OWN, LEAST, PEER, POLICY, INJECTOR, BOTH)
"""In the order of the table. `NONE` is what the others are compared with."""
