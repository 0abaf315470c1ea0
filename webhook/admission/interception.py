"""Rules for pods in whose sidecar TPROXY is no cure, would break, or is not wanted."""

from webhook.admission.decision import Decision
from webhook.admission.mutation import Case
from webhook.admission.proxy_config import NONE, REDIRECT, TPROXY
from webhook.admission.reason import Reason, Sees
from webhook.admission.review import Pod

INTERCEPTION_MODE = "sidecar.istio.io/interceptionMode"
"""Annotation that chooses how the sidecar intercepts inbound traffic."""

INJECTION_STATUS = "sidecar.istio.io/status"
"""Annotation that Istio's injector leaves on every pod it has injected."""

INBOUND_PORTS = "traffic.sidecar.istio.io/includeInboundPorts"
POD_SECURITY = "pod-security.kubernetes.io/"

_KUBEVIRT_INTERFACES = "traffic.sidecar.istio.io/kubevirtInterfaces"
_VIRTUAL_INTERFACES = "istio.io/reroute-virtual-interfaces"


def already_injected(case: Case[Pod]) -> Decision | None:
    """A pod that carries its sidecar already is never touched.

    The sidecar was rendered for the mode of that moment. With istio-cni a changed annotation makes
    TPROXY rules in front of a REDIRECT proxy, and every inbound connection times out.

    Source:
        istio/istio cni/pkg/plugin/sidecar_redirect.go; files/injection-template.yaml.
    """
    if INJECTION_STATUS not in case.annotations:
        return None
    mode = case.annotations.get(INTERCEPTION_MODE)
    if mode == TPROXY:
        return Decision(Reason.ALREADY_SET)
    return Decision(
        Reason.ALREADY_INJECTED,
        warning="the sidecar is in this pod already, without TPROXY: create it without the sidecar",
        differs=Sees.CLIENT if mode == NONE else None,
    )


def inbound_not_captured(case: Case[Pod]) -> Decision | None:
    """``includeInboundPorts: ""``: nothing leads inbound connections to the sidecar.

    TPROXY would only make the sidecar root, and with native nftables break istio-init before 1.29.

    Source:
        istio/istio tools/istio-iptables/pkg/capture/run.go; istio/istio#58135.
    """
    empty = case.annotations.get(INBOUND_PORTS) == ""
    return Decision(Reason.INBOUND_NOT_CAPTURED) if empty else None


def kubevirt(case: Case[Pod]) -> Decision | None:
    """KubeVirt's masquerade rules are keyed on 127.0.0.6, so real addresses make traffic hang.

    Source:
        kubevirt/kubevirt#5461, #18871.
    """
    machine = case.labels.get("kubevirt.io") == "virt-launcher"
    if not machine and _KUBEVIRT_INTERFACES not in case.annotations:
        return None
    return Decision(
        Reason.KUBEVIRT,
        warning="TPROXY is not set: KubeVirt's NAT rules need the sidecar to call from 127.0.0.6",
    )


def virtual_interfaces(case: Case[Pod]) -> Decision | None:
    """What comes from these interfaces is sent out through the sidecar; a network is behind them.

    KubeVirt's machines have them, and so have containers that run containers (docker-in-docker).
    Whether replies to a client's own address find their way through such a network, nobody tried.

    Source:
        istio/api annotation/annotations.yaml, istio.io/reroute-virtual-interfaces.
    """
    if _VIRTUAL_INTERFACES not in case.annotations:
        return None
    return Decision(
        Reason.VIRTUAL_INTERFACES,
        warning=f"TPROXY is not set: it is untried with the network behind {_VIRTUAL_INTERFACES}",
    )


def sandboxed(case: Case[Pod]) -> Decision | None:
    """A sandbox with a network stack of its own, which knows REDIRECT and not TPROXY.

    istio-init could not write its rules, and the pod would not start. RuntimeClasses have free
    names: ``gvisor`` is what gVisor's documentation and GKE Sandbox call theirs.

    Source:
        google/gvisor pkg/sentry/socket/netfilter/targets.go, the targets that are registered.
    """
    name = case.object.spec.runtime_class_name
    if name not in case.options.sandboxed_runtime_classes:
        return None
    return Decision(
        Reason.SANDBOXED,
        warning="TPROXY is not set: the network stack of this runtimeClassName does not have it",
    )


def mode_chosen(case: Case[Pod]) -> Decision | None:
    """A mode that is there already is a person's choice and stays.

    The modes are exactly REDIRECT, TPROXY and NONE, case-sensitive; Istio refuses a pod with any
    other value, the empty one included.

    Source:
        istio/istio pkg/kube/inject/validate.go.
    """
    mode = case.annotations.get(INTERCEPTION_MODE)
    if mode is None:
        return None
    if mode == TPROXY:
        return Decision(Reason.ALREADY_SET)
    if mode == NONE:
        # Nothing intercepts, so nothing hides the clients.
        return Decision(Reason.EXPLICIT_MODE, differs=Sees.CLIENT)
    if mode == REDIRECT:
        return Decision(
            Reason.EXPLICIT_MODE,
            warning=f"{INTERCEPTION_MODE} is {mode}: this pod will see 127.0.0.6 as its client",
        )
    return Decision(
        Reason.INVALID_MODE,
        warning=f"{INTERCEPTION_MODE} must be TPROXY, REDIRECT or NONE: Istio will refuse this pod",
    )


def pod_security(case: Case[Pod]) -> Decision | None:
    """Pod Security refuses the pod that TPROXY makes, at every level but ``privileged``.

    NET_ADMIN is not allowed at ``baseline``, and a level that cannot be read is ``restricted``.

    Source:
        k8s.io/pod-security-admission policy/check_capabilities_baseline.go.
    """
    level = _level(case, "enforce")
    if level == "privileged" or case.options.ignore_pod_security:
        return None
    named = level if level == "baseline" else "restricted"
    return Decision(
        Reason.POD_SECURITY,
        warning=f"TPROXY is not set: Pod Security level {named} would refuse its sidecar",
    )


def pod_security_caution(case: Case[Pod]) -> str:
    """Say what the namespace's Pod Security will complain about, where it only complains."""
    for mode in ("warn", "audit"):
        if _level(case, mode) != "privileged":
            return (
                f"TPROXY makes the sidecar root with NET_ADMIN, which Pod Security will {mode} of"
            )
    return ""


def _level(case: Case[Pod], mode: str) -> str:
    return (case.namespace or {}).get(POD_SECURITY + mode, "privileged")
