"""Rules for pods that Istio will not inject, where the annotation would do nothing.

Source:
    istio/istio pkg/kube/inject/inject.go, injectRequired and selectTemplates;
    manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml, the selectors.
"""

from webhook.admission.decision import Decision
from webhook.admission.mutation import Case
from webhook.admission.reason import Reason, Sees
from webhook.admission.review import Pod, PodSecurityContext, SecurityContext

MIRROR = "kubernetes.io/config.mirror"
INJECT = "sidecar.istio.io/inject"
TEMPLATES = "inject.istio.io/templates"
NAMESPACE_INJECTION = "istio-injection"
REVISION = "istio.io/rev"
DATAPLANE_MODE = "istio.io/dataplane-mode"
USE_WAYPOINT = "istio.io/use-waypoint"
MANAGED_GATEWAY = "gateway.istio.io/managed"
"""Label of what istiod makes for Gateways, Pods and Services; the value says for which kind."""

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"

_OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")
"""Labels that kubelet gives its node; the second one until it is nobody's selector any more."""

_SYSTEM_NAMESPACES = frozenset(
    {"kube-system", "kube-public", "kube-node-lease", "local-path-storage"}
)


def mirror_pod(case: Case[Pod]) -> Decision | None:
    """A mirror pod is a reflection: kubelet runs the static pod, as its file says.

    Source:
        Kubernetes, Admission Webhook Good Practices: do not change immutable objects.
    """
    return Decision(Reason.MIRROR_POD) if MIRROR in case.annotations else None


def system_namespace(case: Case[Pod]) -> Decision | None:
    """Four namespaces are never injected, whatever their labels say.

    Source:
        istio/istio pkg/kube/inject/initializer.go, IgnoredNamespaces.
    """
    return Decision(Reason.SYSTEM_NAMESPACE) if case.namespace_name in _SYSTEM_NAMESPACES else None


def host_network(case: Case[Pod]) -> Decision | None:
    """Istio never injects a pod of the host network.

    Source:
        istio/istio pkg/kube/inject/inject.go, injectRequired.
    """
    return Decision(Reason.HOST_NETWORK) if case.object.spec.host_network else None


def injection_refused(case: Case[Pod]) -> Decision | None:
    """``sidecar.istio.io/inject: "false"``; the label counts where there is one, even empty.

    Until Istio 1.26 more words than ``false`` meant no; there the annotation does nothing.

    Source:
        istio/istio pkg/kube/inject/inject.go, injectRequired.
    """
    asked = case.labels.get(INJECT, case.annotations.get(INJECT))
    return Decision(Reason.INJECTION_REFUSED) if asked == "false" else None


def namespace_not_injected(case: Case[Pod]) -> Decision | None:
    """``istio-injection`` with any value but ``enabled``: no selector of Istio's matches.

    Source:
        istio/istio istio-discovery/templates/mutatingwebhook.yaml, the namespaceSelectors.
    """
    value = (case.namespace or {}).get(NAMESPACE_INJECTION, "enabled")
    return None if value == "enabled" else Decision(Reason.NAMESPACE_NOT_INJECTED)


def other_template(case: Case[Pod]) -> Decision | None:
    """A pod may choose its injection templates; gateway, grpc-agent and others do not intercept.

    Names of a mesh's own templates and aliases are the admin's to add (``--sidecar-template``).

    Source:
        istio/istio pkg/kube/inject/inject.go, selectTemplates.
    """
    chosen = case.annotations.get(TEMPLATES)
    if chosen is None:
        return None
    if case.options.sidecar_templates.isdisjoint(map(str.strip, chosen.split(","))):
        return Decision(Reason.OTHER_TEMPLATE)
    return None


def gateway(case: Case[Pod]) -> Decision | None:
    """A proxy that is the application itself: of Gateway API, or written by hand.

    Source:
        istio/istio files/kube-gateway.yaml, files/waypoint.yaml; pilot's proxy types.
    """
    managed = MANAGED_GATEWAY in case.labels or GATEWAY_NAME in case.labels
    if managed or any(
        (container.args or [])[:2] == ["proxy", "router"]
        for container in case.object.spec.containers or ()
    ):
        return Decision(Reason.GATEWAY)
    return None


def ambient(case: Case[Pod]) -> Decision | None:
    """A pod in ambient mode without a sidecar; its label wins over that of its namespace.

    A pod that is injected leaves ambient. ztunnel keeps the client's address; a waypoint, which the
    namespace or the pod may ask for, is a client of its own.

    Source:
        istio/istio cni/pkg/util/enablement_selector.go; pilot/pkg/serviceregistry/ambient/
        waypoints.go, GetUseWaypoint.
    """
    namespace = case.namespace or {}
    mode = case.labels.get(DATAPLANE_MODE, namespace.get(DATAPLANE_MODE))
    if mode != "ambient" or _asked_for(case):
        return None
    waypoint = case.labels.get(USE_WAYPOINT, namespace.get(USE_WAYPOINT, "none"))
    return Decision(Reason.AMBIENT, differs=None if waypoint == "none" else Sees.WAYPOINT)


def windows(case: Case[Pod]) -> Decision | None:
    """Neither Istio's rules nor Envoy's transparent sockets exist on Windows.

    Not every pod for Windows says so in ``spec.os``: before that field there was only the selector
    of nodes, and a HostProcess container runs nowhere else.

    Source:
        Envoy documentation, Original Source listener filter; Kubernetes, Guide for Running Windows
        Containers, and Create a Windows HostProcess Pod.
    """
    spec = case.object.spec
    nodes = spec.node_selector or {}
    containers = (*(spec.containers or ()), *(spec.init_containers or ()))
    for_windows = (
        (spec.os is not None and spec.os.name == "windows")
        or any(nodes.get(label) == "windows" for label in _OS_LABELS)
        or _is_host_process(spec.security_context)
        or any(_is_host_process(container.security_context) for container in containers)
    )
    return Decision(Reason.WINDOWS) if for_windows else None


def not_injected(case: Case[Pod]) -> Decision | None:
    """Without any sign of injection the annotation is useless; a rule for those who want it so.

    Source:
        istio/istio istio-discovery/templates/mutatingwebhook.yaml, the selectors.
    """
    if not case.options.require_injection_label or case.namespace is None or _asked_for(case):
        return None
    return Decision(Reason.NOT_INJECTED)


def _is_host_process(context: PodSecurityContext | SecurityContext | None) -> bool:
    """Whether a securityContext asks for a process on a Windows node."""
    options = None if context is None else context.windows_options
    return options is not None and options.host_process is True


def _asked_for(case: Case[Pod]) -> bool:
    """Whether a label asks for a sidecar: of the namespace, or of the pod where it may."""
    namespace = case.namespace or {}
    return (
        namespace.get(NAMESPACE_INJECTION) == "enabled"
        or REVISION in namespace
        or case.labels.get(INJECT) == "true"
        or REVISION in case.labels
    )
