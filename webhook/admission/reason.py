"""Outcome and reason: the words that logs, metrics, audit and preview share."""

import enum
from typing import Self


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


class Reason(enum.StrEnum):
    """Why an object got its outcome: one reason per rule, each with the outcome it leads to."""

    outcome: Outcome
    sentence: str

    def __new__(cls, value: str, outcome: Outcome, sentence: str) -> Self:
        """Make a member that is its own code and carries its outcome and its sentence."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.outcome = outcome
        member.sentence = sentence
        return member

    ADDED = "added", Outcome.PATCHED, "the setting was missing and has been added"
    ALREADY_SET = "already-set", Outcome.UNCHANGED, "the object has the setting already"

    UNSUPPORTED_KIND = (
        "unsupported-kind",
        Outcome.SKIPPED,
        "only Pods and Services are changed",
    )
    UNSUPPORTED_OPERATION = (
        "unsupported-operation",
        Outcome.SKIPPED,
        "this operation comes too late, or is too early, for the setting to take effect",
    )
    NAMESPACE_NOT_OPTED_IN = (
        "namespace-not-opted-in",
        Outcome.SKIPPED,
        "the namespace's label does not ask for it",
    )
    OPTED_OUT = "opted-out", Outcome.SKIPPED, "the object's label asks to be left alone"

    # Pods: Istio injects nothing that could intercept
    MIRROR_POD = (
        "mirror-pod",
        Outcome.SKIPPED,
        "the pod only mirrors a static one, which kubelet runs whatever is stored here",
    )
    SYSTEM_NAMESPACE = (
        "system-namespace",
        Outcome.SKIPPED,
        "Istio injects no pod of this namespace",
    )
    ALREADY_INJECTED = (
        "already-injected",
        Outcome.SKIPPED,
        "the sidecar is in the pod already and would not follow the annotation",
    )
    HOST_NETWORK = (
        "host-network",
        Outcome.SKIPPED,
        "Istio does not inject pods of the host network, so they see their clients anyway",
    )
    INJECTION_REFUSED = (
        "injection-refused",
        Outcome.SKIPPED,
        "the pod asks Istio not to inject it, so it sees its clients anyway",
    )
    NAMESPACE_NOT_INJECTED = (
        "namespace-not-injected",
        Outcome.SKIPPED,
        "the namespace's istio-injection label keeps Istio from injecting any pod of it",
    )
    OTHER_TEMPLATE = (
        "other-template",
        Outcome.SKIPPED,
        "the pod chooses an injection template without a sidecar that intercepts",
    )
    GATEWAY = "gateway", Outcome.SKIPPED, "a gateway's proxy intercepts nothing, and hides nobody"
    AMBIENT = (
        "ambient",
        Outcome.SKIPPED,
        "an ambient pod has no sidecar, and keeps its clients' addresses without one",
    )
    WINDOWS = "windows", Outcome.SKIPPED, "transparent interception is a matter of Linux"
    NOT_INJECTED = (
        "not-injected",
        Outcome.SKIPPED,
        "no label asks Istio to inject this pod (--require-injection-label)",
    )

    # Pods: interception that is no cure, or that is somebody's choice
    INBOUND_NOT_CAPTURED = (
        "inbound-not-captured",
        Outcome.SKIPPED,
        "the pod has no inbound port intercepted, so it sees its clients anyway",
    )
    KUBEVIRT = (
        "kubevirt",
        Outcome.SKIPPED,
        "a KubeVirt machine's traffic would hang, for its NAT knows the sidecar by 127.0.0.6",
    )
    EXPLICIT_MODE = (
        "explicit-mode",
        Outcome.CONFLICT,
        "the pod asks for another interception mode",
    )
    INVALID_MODE = (
        "invalid-mode",
        Outcome.CONFLICT,
        "the pod's interception mode is none that Istio knows",
    )
    PROXY_CONFIG_MODE = (
        "proxy-config-mode",
        Outcome.CONFLICT,
        "the pod's proxy.istio.io/config asks for another interception mode",
    )
    INVALID_PROXY_CONFIG = (
        "invalid-proxy-config",
        Outcome.CONFLICT,
        "the pod's proxy.istio.io/config is none that Istio can read",
    )
    PROXY_SECURITY_CONTEXT = (
        "proxy-security-context",
        Outcome.CONFLICT,
        "the pod's own istio-proxy container has a securityContext with which TPROXY breaks",
    )
    POD_SECURITY = (
        "pod-security",
        Outcome.SKIPPED,
        "the namespace's Pod Security level would refuse the sidecar that TPROXY needs",
    )

    # Services
    SERVICES_OFF = (
        "services-off",
        Outcome.SKIPPED,
        "Services are left alone in this cluster (--service-traffic-policy never)",
    )
    NOT_LOAD_BALANCER = (
        "not-load-balancer",
        Outcome.SKIPPED,
        "only Services of type LoadBalancer are changed",
    )
    TYPE_UNCHANGED = (
        "type-unchanged",
        Outcome.SKIPPED,
        "the Service was a load balancer before, and its policy is a person's to change",
    )
    INVALID_POLICY = (
        "invalid-policy",
        Outcome.CONFLICT,
        "the API server refuses what the Service says of its policy, and is left to say so",
    )
    WAYPOINT = "waypoint", Outcome.SKIPPED, "a waypoint serves the mesh, and no client outside"
    EAST_WEST_GATEWAY = (
        "east-west-gateway",
        Outcome.SKIPPED,
        "the clients of an east-west gateway are gateways, and Local would cost availability",
    )
    ENI_LOAD_BALANCER = (
        "eni-load-balancer",
        Outcome.SKIPPED,
        "the load balancer reaches pods without kube-proxy, so they see their clients anyway",
    )
    NO_SELECTOR = (
        "no-selector",
        Outcome.SKIPPED,
        "endpoints that no selector finds are local to no node, and Local would drop everything",
    )
    SHARED_ADDRESS = (
        "shared-address",
        Outcome.SKIPPED,
        "under Local only Services that select the same pods may share an address",
    )
    CILIUM_L2 = (
        "cilium-l2",
        Outcome.SKIPPED,
        "Cilium's L2 announcer may lead clients to a node without a pod, where Local drops them",
    )
    AZURE_PLS_PROXY_PROTOCOL = (
        "azure-pls-proxy-protocol",
        Outcome.SKIPPED,
        "under Local, health probes with Azure's PROXY protocol fail on every node",
    )
    SET_BACK_TO_CLUSTER = (
        "set-back-to-cluster",
        Outcome.CONFLICT,
        "the update takes Local away from a load balancer and leaves Cluster",
    )
    EXPLICIT_CLUSTER = (
        "explicit-cluster",
        Outcome.CONFLICT,
        "the Service's author asked for externalTrafficPolicy: Cluster",
    )
