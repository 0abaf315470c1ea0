"""RFC 6902 patches, built by hand: one ``add`` that always applies to the object it is made for.

No diff: the setting is known, so its operation is known, and comparing two copies of a pod would
cost more than everything else in the request path together. ``add`` and nothing else, because a
patch that does not apply is an error for the user even under ``failurePolicy: Ignore``
(k8s.io/apiserver, pkg/admission/plugin/webhook/mutating/dispatcher.go).

Outcome, reason, and what comes of them: the words that logs, metrics and preview share.

The decision about one object.
"""

import base64
import enum
from typing import Any, Self

import msgspec


class Patch(msgspec.Struct, frozen=True, gc=False):
    """A JSON Patch document, together with the form in which an AdmissionReview carries it."""

    operations: tuple[dict[str, Any], ...]
    """The operations of the document (RFC 6902 section 3)."""

    encoded: str
    """The document as base64 of its JSON, as ``response.patch`` wants it."""

    @classmethod
    def add(cls, *path: str, value: Any) -> Self:
        """Make the patch that adds one member to an object whose parent exists.

        Args:
            path: Names from the document's root to the member, unescaped.
            value: What the member becomes; an existing member of that name is replaced.

        Source:
            RFC 6902 section 4.1 (add) and RFC 6901 section 3 (escaping in pointers).
        """
        operations = ({"op": "add", "path": _pointer(path), "value": value},)
        return cls(operations, base64.b64encode(msgspec.json.encode(operations)).decode())


def _pointer(path: tuple[str, ...]) -> str:
    """Spell names as a JSON Pointer; ``~`` first, or the tilde of ``~1`` would be escaped again."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)


class Outcome(enum.StrEnum):
    """What became of one object."""

    PATCHED = "patched"
    """The setting was added."""

    UNCHANGED = "unchanged"
    """The object has the setting already."""

    SKIPPED = "skipped"
    """The setting was not asked for, or would not help here."""

    CONFLICT = "conflict"
    """A person chose another value, which is respected."""


class Sees(enum.StrEnum):
    """Whom the application behind an object sees as its caller.

    Of a Pod this is said on the assumption that Istio injects it, unless the reason says otherwise.

    Source:
        istio/istio pilot/pkg/networking/core/listener_address.go (127.0.0.6);
        Kubernetes, Using Source IP.
    """

    CLIENT = "its client"

    SIDECAR = "127.0.0.6"
    """The address from which a sidecar in REDIRECT mode calls the application beside it."""

    WAYPOINT = "its waypoint"
    """The proxy that serves a namespace, or a pod, of an ambient mesh."""

    NODE = "a node's address"
    """What kube-proxy's source NAT leaves of the client's address."""

    NOTHING = "-"
    """The object does not come to be, or does not tell."""


class Reason(enum.StrEnum):
    """Why an object got its outcome: one reason per rule, each with the outcome it leads to."""

    outcome: Outcome
    sentence: str
    sees: Sees | None
    """Whom the application sees then.

    ``None`` where the reason says nothing about the object: then the rules that follow tell. Where
    one reason stands for several cases, the decision says which (``Decision.differs``).
    """

    def __new__(cls, value: str, outcome: Outcome, sentence: str, sees: Sees | None) -> Self:
        """Make a member that is its own code; one that lacks a part is an error at import."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.outcome = outcome
        member.sentence = sentence
        member.sees = sees
        return member

    ADDED = "added", Outcome.PATCHED, "the setting was missing and has been added", Sees.CLIENT
    ALREADY_SET = (
        "already-set",
        Outcome.UNCHANGED,
        "the object has the setting already",
        Sees.CLIENT,
    )

    UNSUPPORTED_KIND = (
        "unsupported-kind",
        Outcome.SKIPPED,
        "only Pods and Services are changed",
        Sees.NOTHING,
    )
    UNSUPPORTED_OPERATION = (
        "unsupported-operation",
        Outcome.SKIPPED,
        "this operation comes too late, or is too early, for the setting to take effect",
        Sees.NOTHING,
    )
    NAMESPACE_NOT_OPTED_IN = (
        "namespace-not-opted-in",
        Outcome.SKIPPED,
        "the namespace's label does not ask for it",
        None,
    )
    OPTED_OUT = "opted-out", Outcome.SKIPPED, "the object's label asks to be left alone", None

    # Pods: Istio injects nothing that could intercept
    MIRROR_POD = (
        "mirror-pod",
        Outcome.SKIPPED,
        "the pod only mirrors a static one, which kubelet runs whatever is stored here",
        Sees.CLIENT,
    )
    SYSTEM_NAMESPACE = (
        "system-namespace",
        Outcome.SKIPPED,
        "Istio injects no pod of this namespace",
        Sees.CLIENT,
    )
    ALREADY_INJECTED = (
        "already-injected",
        Outcome.SKIPPED,
        "the sidecar is in the pod already and would not follow the annotation",
        Sees.SIDECAR,
    )
    HOST_NETWORK = (
        "host-network",
        Outcome.SKIPPED,
        "Istio does not inject pods of the host network, so they see their clients anyway",
        Sees.CLIENT,
    )
    INJECTION_REFUSED = (
        "injection-refused",
        Outcome.SKIPPED,
        "the pod asks Istio not to inject it, so it sees its clients anyway",
        Sees.CLIENT,
    )
    NAMESPACE_NOT_INJECTED = (
        "namespace-not-injected",
        Outcome.SKIPPED,
        "the namespace's istio-injection label keeps Istio from injecting any pod of it",
        Sees.CLIENT,
    )
    OTHER_TEMPLATE = (
        "other-template",
        Outcome.SKIPPED,
        "the pod chooses an injection template without a sidecar that intercepts",
        Sees.CLIENT,
    )
    GATEWAY = (
        "gateway",
        Outcome.SKIPPED,
        "a gateway's proxy intercepts nothing, and hides nobody",
        Sees.CLIENT,
    )
    AMBIENT = (
        "ambient",
        Outcome.SKIPPED,
        "an ambient pod has no sidecar that could hide its clients",
        Sees.CLIENT,
    )
    WINDOWS = (
        "windows",
        Outcome.SKIPPED,
        "transparent interception is a matter of Linux",
        Sees.CLIENT,
    )
    NOT_INJECTED = (
        "not-injected",
        Outcome.SKIPPED,
        "no label asks Istio to inject this pod (--require-injection-label)",
        Sees.CLIENT,
    )

    # Pods: interception that is no cure, or that is somebody's choice
    INBOUND_NOT_CAPTURED = (
        "inbound-not-captured",
        Outcome.SKIPPED,
        "the pod has no inbound port intercepted, so it sees its clients anyway",
        Sees.CLIENT,
    )
    KUBEVIRT = (
        "kubevirt",
        Outcome.SKIPPED,
        "a KubeVirt machine's traffic would hang, for its NAT knows the sidecar by 127.0.0.6",
        Sees.SIDECAR,
    )
    VIRTUAL_INTERFACES = (
        "virtual-interfaces",
        Outcome.SKIPPED,
        "the pod has a network of its own behind virtual interfaces, with which TPROXY is untried",
        Sees.SIDECAR,
    )
    SANDBOXED = (
        "sandboxed",
        Outcome.SKIPPED,
        "the pod's RuntimeClass has a network stack without TPROXY (--sandboxed-runtime-class)",
        Sees.SIDECAR,
    )
    EXPLICIT_MODE = (
        "explicit-mode",
        Outcome.CONFLICT,
        "the pod asks for another interception mode",
        Sees.SIDECAR,
    )
    INVALID_MODE = (
        "invalid-mode",
        Outcome.CONFLICT,
        "the pod's interception mode is none that Istio knows",
        Sees.NOTHING,
    )
    PROXY_CONFIG_MODE = (
        "proxy-config-mode",
        Outcome.CONFLICT,
        "the pod's proxy.istio.io/config asks for another interception mode",
        Sees.SIDECAR,
    )
    INVALID_PROXY_CONFIG = (
        "invalid-proxy-config",
        Outcome.CONFLICT,
        "the pod's proxy.istio.io/config chooses a mode that Istio does not know",
        Sees.NOTHING,
    )
    UNREAD_PROXY_CONFIG = (
        "unread-proxy-config",
        Outcome.CONFLICT,
        "the pod's proxy.istio.io/config may choose a mode, and cannot be read here",
        Sees.NOTHING,
    )
    LOOPBACK_INGRESS = (
        "loopback-ingress",
        Outcome.SKIPPED,
        "a Sidecar leads the pod's inbound connections to loopback, where TPROXY would break them",
        Sees.SIDECAR,
    )
    INBOUND_LOCALHOST = (
        "inbound-localhost",
        Outcome.SKIPPED,
        "the mesh leads all inbound connections to loopback (--inbound-localhost)",
        Sees.SIDECAR,
    )
    PROXY_SECURITY_CONTEXT = (
        "proxy-security-context",
        Outcome.CONFLICT,
        "the pod's own istio-proxy container has a securityContext with which TPROXY breaks",
        Sees.SIDECAR,
    )
    POD_SECURITY = (
        "pod-security",
        Outcome.SKIPPED,
        "the namespace's Pod Security level would refuse the sidecar that TPROXY needs",
        Sees.SIDECAR,
    )

    # Services
    SERVICES_OFF = (
        "services-off",
        Outcome.SKIPPED,
        "Services are left alone in this cluster (--service-traffic-policy never)",
        None,
    )
    NOT_LOAD_BALANCER = (
        "not-load-balancer",
        Outcome.SKIPPED,
        "only Services of type LoadBalancer are changed",
        Sees.NOTHING,
    )
    TYPE_UNCHANGED = (
        "type-unchanged",
        Outcome.SKIPPED,
        "the Service was a load balancer before, and its policy is a person's to change",
        Sees.NODE,
    )
    WAYPOINT = (
        "waypoint",
        Outcome.SKIPPED,
        "a waypoint serves the mesh, and no client outside",
        Sees.NODE,
    )
    INVALID_POLICY = (
        "invalid-policy",
        Outcome.CONFLICT,
        "the API server refuses what the Service says of its policy, and is left to say so",
        Sees.NOTHING,
    )
    EAST_WEST_GATEWAY = (
        "east-west-gateway",
        Outcome.SKIPPED,
        "the clients of an east-west gateway are gateways, and Local would cost availability",
        Sees.NODE,
    )
    ENI_LOAD_BALANCER = (
        "eni-load-balancer",
        Outcome.SKIPPED,
        "the load balancer reaches pods without kube-proxy, so they see their clients anyway",
        Sees.CLIENT,
    )
    NO_SELECTOR = (
        "no-selector",
        Outcome.SKIPPED,
        "endpoints that no selector finds are local to no node, and Local would drop everything",
        Sees.NODE,
    )
    SHARED_ADDRESS = (
        "shared-address",
        Outcome.SKIPPED,
        "under Local only Services that select the same pods may share an address",
        Sees.NODE,
    )
    CILIUM_L2 = (
        "cilium-l2",
        Outcome.SKIPPED,
        "Cilium's L2 announcer may lead clients to a node without a pod, where Local drops them",
        Sees.NODE,
    )
    AZURE_PLS_PROXY_PROTOCOL = (
        "azure-pls-proxy-protocol",
        Outcome.SKIPPED,
        "under Local, health probes with Azure's PROXY protocol fail on every node",
        Sees.NODE,
    )
    SET_BACK_TO_CLUSTER = (
        "set-back-to-cluster",
        Outcome.CONFLICT,
        "the update takes Local away from a load balancer and leaves Cluster",
        Sees.NODE,
    )
    EXPLICIT_CLUSTER = (
        "explicit-cluster",
        Outcome.CONFLICT,
        "the Service's author asked for externalTrafficPolicy: Cluster",
        Sees.NODE,
    )


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What is done with one object, and why."""

    reason: Reason
    patch: Patch | None = None
    """The change, present exactly when the outcome is ``patched``."""
    warning: str = ""
    """A sentence for the person who made the request; empty where nobody could act on it.

    At most 120 characters, as the API server's own documentation of warnings asks.
    """

    differs: Sees | None = None
    """Whom the application sees, where that is not what the reason says of most objects."""

    @property
    def sees(self) -> Sees | None:
        """Whom the application sees; ``None`` where the reason says nothing about the object."""
        return self.differs or self.reason.sees

    @property
    def outcome(self) -> Outcome:
        """The outcome that the reason leads to."""
        return self.reason.outcome
