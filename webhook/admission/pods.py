"""Rules for pods that Istio will not inject, where the annotation would do nothing.

Source:
    istio/istio pkg/kube/inject/inject.go, injectRequired and selectTemplates;
    manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml, the selectors.

Rules for pods in whose sidecar TPROXY is no cure, would break, or is not wanted.

Rules for what a pod says about its sidecar: its configuration, and a container of its own.

East-west: what happens to Pods.

The cure is the pod annotation ``sidecar.istio.io/interceptionMode: TPROXY``, which Istio's injector
reads while it renders the sidecar; so it helps only before the injector has run, and only on pods
that it injects.
"""

from webhook.admission.decision import Decision, Patch, Reason, Sees
from webhook.admission.mutation import Case, Mutation
from webhook.admission.proxy_config import (
    NONE,
    REDIRECT,
    TPROXY,
    InvalidError,
    UnreadError,
    mode_in,
)
from webhook.admission.review import (
    Capabilities,
    Container,
    Pod,
    PodSecurityContext,
    SecurityContext,
)
from webhook.labels import (
    DATAPLANE_MODE,
    GATEWAY_NAME,
    INBOUND_PORTS,
    INJECT,
    INJECTION_STATUS,
    INTERCEPTION_MODE,
    KUBEVIRT,
    KUBEVIRT_INTERFACES,
    MANAGED_GATEWAY,
    MIRROR,
    NAMESPACE_INJECTION,
    OS_LABELS,
    POD_SECURITY,
    PROXY_CONFIG,
    REVISION,
    TEMPLATES,
    USE_WAYPOINT,
    VIRTUAL_INTERFACES,
    Half,
)

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
        or any(nodes.get(label) == "windows" for label in OS_LABELS)
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
    machine = case.labels.get(KUBEVIRT) == "virt-launcher"
    if not machine and KUBEVIRT_INTERFACES not in case.annotations:
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
    if VIRTUAL_INTERFACES not in case.annotations:
        return None
    return Decision(
        Reason.VIRTUAL_INTERFACES,
        warning=f"TPROXY is not set: it is untried with the network behind {VIRTUAL_INTERFACES}",
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


_PROXY_USER = 1337


def proxy_config_mode(case: Case[Pod]) -> Decision | None:
    """``proxy.istio.io/config`` can choose the mode as well, and is a person's choice as well.

    Read only where it names the field at all. TPROXY there still gets the annotation, because
    istio-cni reads nothing else.

    It is YAML with the field names of protobuf JSON, ``interceptionMode`` or ``interception_mode``.

    Source:
        istio/istio pkg/config/mesh/mesh.go, ApplyProxyConfig.
    """
    written = case.annotations.get(PROXY_CONFIG, "")
    if "interception" not in written:
        return None
    try:
        chosen = mode_in(written)
    except InvalidError:
        return Decision(
            Reason.INVALID_PROXY_CONFIG,
            warning=f"{PROXY_CONFIG} has a mode that Istio does not know: it will refuse this pod",
        )
    except UnreadError:
        return Decision(
            Reason.UNREAD_PROXY_CONFIG,
            warning=f"{PROXY_CONFIG} may choose a mode and cannot be read here: TPROXY is not set",
        )
    if chosen in {None, TPROXY}:
        return None
    if chosen == NONE:
        return Decision(Reason.PROXY_CONFIG_MODE, differs=Sees.CLIENT)
    return Decision(
        Reason.PROXY_CONFIG_MODE,
        warning=f"{PROXY_CONFIG} asks for REDIRECT: this pod will see 127.0.0.6 as its client",
    )


def loopback_ingress(case: Case[Pod]) -> Decision | None:
    """A Sidecar with an ingress listener whose ``defaultEndpoint`` is loopback.

    Envoy would connect to loopback from the client's address, and no answer finds its way back: the
    application seems dead. Under REDIRECT Envoy calls from loopback, which works.

    Source:
        istio/istio pilot/pkg/networking/core/cluster.go, buildInboundClustersFromSidecar; which
        Sidecar: pilot/pkg/model/push_context.go, doGetSidecarScope.
    """
    if case.options.ignore_sidecars:
        return None
    root_namespace = case.options.root_namespace
    sidecar = case.sidecars.applying(case.namespace_name, case.labels, root_namespace)
    if sidecar is None or not sidecar.loopback:
        return None
    return Decision(
        Reason.LOOPBACK_INGRESS,
        warning="TPROXY is not set: an ingress listener of this pod's Sidecar leads to loopback",
    )


def inbound_localhost(case: Case[Pod]) -> Decision | None:
    """The same for a whole mesh: ``meshConfig.inboundTrafficPolicy.mode: LOCALHOST``.

    The flag says so, because no object that is admitted shows it.

    Source:
        istio/istio pilot/pkg/networking/core/cluster.go, buildInboundClustersFromServiceInstances.
    """
    if not case.options.inbound_localhost:
        return None
    return Decision(
        Reason.INBOUND_LOCALHOST,
        warning="TPROXY is not set: this mesh sends inbound connections to loopback",
    )


def proxy_security_context(case: Case[Pod]) -> Decision | None:
    """A container ``istio-proxy`` of the pod's own is merged over the injected one, unchecked.

    TPROXY needs user 0 with group 1337 and NET_ADMIN. Another user or group is not exempted from
    the redirection of its own traffic, which then loops; runAsNonRoot with user 0 never starts.

    Source:
        istio/istio pkg/kube/inject/webhook.go, adjustInitContainerUser.
    """
    spec = case.object.spec
    for container in (*(spec.containers or ()), *(spec.init_containers or ())):
        broken = _breaks_tproxy(container) if container.name == "istio-proxy" else ""
        if broken:
            return Decision(
                Reason.PROXY_SECURITY_CONTEXT,
                warning=f"TPROXY is not set: {broken} of container istio-proxy would break it",
            )
    return None


def _breaks_tproxy(container: Container) -> str:
    """Name the field of the securityContext with which TPROXY cannot work; empty if none."""
    context = container.security_context or SecurityContext()
    capabilities = context.capabilities or Capabilities()
    broken = {
        "runAsUser": context.run_as_user not in {None, 0, _PROXY_USER},
        "runAsGroup": context.run_as_group not in {None, _PROXY_USER},
        "runAsNonRoot": context.run_as_non_root,
        "capabilities.add": capabilities.add and not {"NET_ADMIN", "ALL"} & set(capabilities.add),
        "capabilities.drop": "NET_ADMIN" in (capabilities.drop or ()),
    }
    return next((field for field, is_broken in broken.items() if is_broken), "")


_FIRST_ANNOTATION = Patch.add("metadata", "annotations", value={INTERCEPTION_MODE: TPROXY})
_ONE_MORE_ANNOTATION = Patch.add("metadata", "annotations", INTERCEPTION_MODE, value=TPROXY)


def _patch(pod: Pod) -> Patch:
    """Choose the form that applies: ``add`` needs its parent, and a bare pod has no annotations."""
    return _ONE_MORE_ANNOTATION if pod.metadata.annotations else _FIRST_ANNOTATION


MUTATION = Mutation(
    kind=Pod,
    half=Half.EAST_WEST,
    # istio-cni reads the live annotation when a sandbox is created, so a later change can break a
    # running pod; and the injector itself sees pods only at CREATE.
    operations=frozenset({"CREATE"}),
    rules=(
        mirror_pod,
        system_namespace,
        already_injected,
        host_network,
        injection_refused,
        namespace_not_injected,
        other_template,
        gateway,
        ambient,
        windows,
        inbound_not_captured,
        mode_chosen,
        proxy_config_mode,
        kubevirt,
        virtual_interfaces,
        sandboxed,
        inbound_localhost,
        loopback_ingress,
        proxy_security_context,
        pod_security,
        not_injected,
    ),
    patch=_patch,
    unmended=Sees.SIDECAR,
    caution=pod_security_caution,
)
