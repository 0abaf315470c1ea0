"""East-west: the reasons and the rules of Pods, in the order in which the rules are asked.

The cure is the pod annotation ``sidecar.istio.io/interceptionMode: TPROXY``, which Istio's injector
reads while it renders the sidecar; so it helps only before the injector has run, and only on pods
that it injects. A rule book is read from top to bottom, so it is one file, however long.
"""

from webhook.admission.decision import CommonReason, Decision, Outcome, Reason, Sees
from webhook.admission.mutation import Case, Mutation
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
    NONE,
    OS_LABELS,
    POD_SECURITY,
    PROXY_CONFIG,
    REDIRECT,
    REVISION,
    TEMPLATES,
    TPROXY,
    USE_WAYPOINT,
    VIRTUAL_INTERFACES,
    Half,
)

SYSTEM_NAMESPACES = frozenset(
    {"kube-system", "kube-public", "kube-node-lease", "local-path-storage"}
)
"""Namespaces whose pods Istio never injects."""
_PROXY_USER = 1337
"""User and group of Istio's proxy, whose own traffic is exempt from redirection."""


class PodReason(Reason):
    """Why a Pod got its outcome, in the order of the rules."""

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
        "the pod is a gateway: its proxy intercepts no connections, so it sees its clients anyway",
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
    INBOUND_NOT_CAPTURED = (
        "inbound-not-captured",
        Outcome.SKIPPED,
        "the pod has no inbound port intercepted, so it sees its clients anyway",
        Sees.CLIENT,
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
    INBOUND_LOCALHOST = (
        "inbound-localhost",
        Outcome.SKIPPED,
        "the mesh leads all inbound connections to loopback (--inbound-localhost)",
        Sees.SIDECAR,
    )
    LOOPBACK_INGRESS = (
        "loopback-ingress",
        Outcome.SKIPPED,
        "a Sidecar leads the pod's inbound connections to loopback, where TPROXY would break them",
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
    NOT_INJECTED = (
        "not-injected",
        Outcome.SKIPPED,
        "no label asks Istio to inject this pod (--require-injection-label)",
        Sees.CLIENT,
    )


def mirror_pod(case: Case[Pod]) -> Decision | None:
    """A mirror pod is kubelet's copy, in the API, of a static pod; kubelet runs what its file says.

    Reason:
        ``mirror-pod``

    Source:
        Kubernetes, Admission Webhook Good Practices: do not change immutable objects.
    """
    return Decision(PodReason.MIRROR_POD) if MIRROR in case.annotations else None


def system_namespace(case: Case[Pod]) -> Decision | None:
    """Four namespaces are never injected, whatever their labels say.

    Reason:
        ``system-namespace``

    Source:
        istio/istio pkg/kube/inject/initializer.go, IgnoredNamespaces.
    """
    is_system = case.namespace_name in SYSTEM_NAMESPACES
    return Decision(PodReason.SYSTEM_NAMESPACE) if is_system else None


def already_injected(case: Case[Pod]) -> Decision | None:
    """A pod that carries its sidecar already is never touched.

    The sidecar was rendered for the mode of that moment. With istio-cni a changed annotation makes
    TPROXY rules in front of a REDIRECT proxy, and every inbound connection times out.

    Reason:
        ``already-set``, ``already-injected``

    Source:
        istio/istio cni/pkg/plugin/sidecar_redirect.go; files/injection-template.yaml.
    """
    if INJECTION_STATUS not in case.annotations:
        return None
    mode = case.annotations.get(INTERCEPTION_MODE)
    if mode == TPROXY:
        return Decision(CommonReason.ALREADY_SET)
    return Decision(
        PodReason.ALREADY_INJECTED,
        warning="the sidecar is in this pod already, without TPROXY: create it without the sidecar",
        sees_instead=Sees.CLIENT if mode == NONE else None,
    )


def host_network(case: Case[Pod]) -> Decision | None:
    """Istio never injects a pod of the host network.

    Reason:
        ``host-network``

    Source:
        istio/istio pkg/kube/inject/inject.go, injectRequired.
    """
    return Decision(PodReason.HOST_NETWORK) if case.object.spec.host_network else None


def injection_refused(case: Case[Pod]) -> Decision | None:
    """``sidecar.istio.io/inject: "false"``; the label counts where there is one, even empty.

    Until Istio 1.26 other values than ``false`` refused injection too. A pod with such a value gets
    our annotation, which does nothing there.

    Reason:
        ``injection-refused``

    Source:
        istio/istio pkg/kube/inject/inject.go, injectRequired.
    """
    asked = case.labels.get(INJECT, case.annotations.get(INJECT))
    return Decision(PodReason.INJECTION_REFUSED) if asked == "false" else None


def namespace_not_injected(case: Case[Pod]) -> Decision | None:
    """``istio-injection`` with any value but ``enabled``: no selector of Istio's matches.

    Reason:
        ``namespace-not-injected``

    Source:
        istio/istio istio-discovery/templates/mutatingwebhook.yaml, the namespaceSelectors.
    """
    value = (case.namespace or {}).get(NAMESPACE_INJECTION, "enabled")
    return None if value == "enabled" else Decision(PodReason.NAMESPACE_NOT_INJECTED)


def other_template(case: Case[Pod]) -> Decision | None:
    """A pod may choose its injection templates; gateway, grpc-agent and others intercept nothing.

    Names of a mesh's own templates and aliases are the admin's to add (``--sidecar-template``).

    Reason:
        ``other-template``

    Source:
        istio/istio pkg/kube/inject/inject.go, selectTemplates.
    """
    chosen = case.annotations.get(TEMPLATES)
    if chosen is None:
        return None
    if case.options.sidecar_templates.isdisjoint(map(str.strip, chosen.split(","))):
        return Decision(PodReason.OTHER_TEMPLATE)
    return None


def gateway(case: Case[Pod]) -> Decision | None:
    """A pod whose proxy is the application: istiod's for the Gateway API, or one written by hand.

    Reason:
        ``gateway``

    Source:
        istio/istio files/kube-gateway.yaml, files/waypoint.yaml; pilot's proxy types.
    """
    labels = case.labels
    if MANAGED_GATEWAY in labels or GATEWAY_NAME in labels:
        return Decision(PodReason.GATEWAY)
    for container in case.object.spec.containers or ():
        if container.args is not None and container.args[:2] == ["proxy", "router"]:
            return Decision(PodReason.GATEWAY)
    return None


def ambient(case: Case[Pod]) -> Decision | None:
    """A pod in ambient mode without a sidecar; its label wins over that of its namespace.

    A pod that gets a sidecar is not in ambient mode. ztunnel keeps the client's address. Where the
    namespace or the pod asks for a waypoint, the application sees the waypoint's address.

    Reason:
        ``ambient``

    Source:
        istio/istio cni/pkg/util/enablement_selector.go; pilot/pkg/serviceregistry/ambient/
        waypoints.go, GetUseWaypoint.
    """
    namespace = case.namespace or {}
    mode = case.labels.get(DATAPLANE_MODE, namespace.get(DATAPLANE_MODE))
    if mode != "ambient" or asked_for(case):
        return None
    waypoint = case.labels.get(USE_WAYPOINT, namespace.get(USE_WAYPOINT, "none"))
    return Decision(PodReason.AMBIENT, sees_instead=None if waypoint == "none" else Sees.WAYPOINT)


def asked_for(case: Case[Pod]) -> bool:
    """Whether a label of the namespace or of the pod asks for a sidecar."""
    namespace = case.namespace or {}
    return (
        namespace.get(NAMESPACE_INJECTION) == "enabled"
        or REVISION in namespace
        or case.labels.get(INJECT) == "true"
        or REVISION in case.labels
    )


def windows(case: Case[Pod]) -> Decision | None:
    """Neither Istio's rules nor Envoy's transparent sockets exist on Windows.

    Not every pod for Windows says so in ``spec.os``: before that field there was only the selector
    of nodes, and a HostProcess container runs on Windows only.

    Reason:
        ``windows``

    Source:
        Envoy documentation, Original Source listener filter; Kubernetes, Guide for Running Windows
        Containers, and Create a Windows HostProcess Pod.
    """
    spec = case.object.spec
    nodes = spec.node_selector
    for_windows = (
        (spec.os is not None and spec.os.name == "windows")
        or (nodes is not None and any(nodes.get(label) == "windows" for label in OS_LABELS))
        or _is_host_process(spec.security_context)
    )
    for container in (*(spec.containers or ()), *(spec.init_containers or ())):
        for_windows = for_windows or _is_host_process(container.security_context)
    return Decision(PodReason.WINDOWS) if for_windows else None


def _is_host_process(context: PodSecurityContext | SecurityContext | None) -> bool:
    """Whether a securityContext asks for a process on a Windows node."""
    options = None if context is None else context.windows_options
    return options is not None and options.host_process is True


def inbound_not_captured(case: Case[Pod]) -> Decision | None:
    """``includeInboundPorts: ""``: no inbound connection is redirected to the sidecar.

    TPROXY would only make the sidecar root, and with native nftables break istio-init before 1.29.

    Reason:
        ``inbound-not-captured``

    Source:
        istio/istio tools/istio-iptables/pkg/capture/run.go; istio/istio#58135.
    """
    empty = case.annotations.get(INBOUND_PORTS) == ""
    return Decision(PodReason.INBOUND_NOT_CAPTURED) if empty else None


def mode_chosen(case: Case[Pod]) -> Decision | None:
    """A mode that is there already is a person's choice and stays.

    The modes are exactly REDIRECT, TPROXY and NONE, case-sensitive; Istio refuses a pod with any
    other value, the empty one included.

    Reason:
        ``already-set``, ``explicit-mode``, ``invalid-mode``

    Source:
        istio/istio pkg/kube/inject/validate.go.
    """
    mode = case.annotations.get(INTERCEPTION_MODE)
    if mode is None:
        return None
    if mode == TPROXY:
        return Decision(CommonReason.ALREADY_SET)
    if mode == NONE:
        # Nothing is intercepted, so the application sees its clients.
        return Decision(PodReason.EXPLICIT_MODE, sees_instead=Sees.CLIENT)
    if mode == REDIRECT:
        return Decision(
            PodReason.EXPLICIT_MODE,
            warning=f"{INTERCEPTION_MODE} is {mode}: this pod will see 127.0.0.6 as its client",
        )
    return Decision(
        PodReason.INVALID_MODE,
        warning=f"{INTERCEPTION_MODE} must be TPROXY, REDIRECT or NONE: Istio will refuse this pod",
    )


def proxy_config_mode(case: Case[Pod]) -> Decision | None:
    """``proxy.istio.io/config`` can choose the mode as well, and is a person's choice as well.

    Read only where it names the field at all. TPROXY there still gets the annotation, because
    istio-cni reads nothing else.

    It is YAML with the field names of protobuf JSON, ``interceptionMode`` or ``interception_mode``.

    Reason:
        ``invalid-proxy-config``, ``unread-proxy-config``, ``proxy-config-mode``

    Source:
        istio/istio pkg/config/mesh/mesh.go, ApplyProxyConfig.
    """
    written = case.annotations.get(PROXY_CONFIG, "")
    if "interception" not in written:
        return None
    # Imported by the first such pod, and there are few: a parser of YAML takes 1 MiB.
    from webhook.admission.proxy_config import InvalidError, UnreadError, mode_in  # noqa: PLC0415

    try:
        chosen = mode_in(written)
    except InvalidError:
        return Decision(
            PodReason.INVALID_PROXY_CONFIG,
            warning=f"{PROXY_CONFIG} has a mode that Istio does not know: it will refuse this pod",
        )
    except UnreadError:
        return Decision(
            PodReason.UNREAD_PROXY_CONFIG,
            warning=f"{PROXY_CONFIG} may choose a mode and cannot be read here: TPROXY is not set",
        )
    if chosen in {None, TPROXY}:
        return None
    if chosen == NONE:
        return Decision(PodReason.PROXY_CONFIG_MODE, sees_instead=Sees.CLIENT)
    return Decision(
        PodReason.PROXY_CONFIG_MODE,
        warning=f"{PROXY_CONFIG} asks for REDIRECT: this pod will see 127.0.0.6 as its client",
    )


def kubevirt(case: Case[Pod]) -> Decision | None:
    """KubeVirt's masquerade rules are keyed on 127.0.0.6, so real addresses make traffic hang.

    Reason:
        ``kubevirt``

    Source:
        kubevirt/kubevirt#5461, #18871.
    """
    machine = case.labels.get(KUBEVIRT) == "virt-launcher"
    if not machine and KUBEVIRT_INTERFACES not in case.annotations:
        return None
    return Decision(
        PodReason.KUBEVIRT,
        warning="TPROXY is not set: KubeVirt's NAT rules need the sidecar to call from 127.0.0.6",
    )


def virtual_interfaces(case: Case[Pod]) -> Decision | None:
    """The pod has a network behind these interfaces, and sends its traffic through the sidecar.

    KubeVirt's machines have them, and so have containers that run containers (docker-in-docker).
    Whether replies to a client's own address pass through such a network has not been tried.

    Reason:
        ``virtual-interfaces``

    Source:
        istio/api annotation/annotations.yaml, istio.io/reroute-virtual-interfaces.
    """
    if VIRTUAL_INTERFACES not in case.annotations:
        return None
    return Decision(
        PodReason.VIRTUAL_INTERFACES,
        warning=f"TPROXY is not set: it is untried with the network behind {VIRTUAL_INTERFACES}",
    )


def sandboxed(case: Case[Pod]) -> Decision | None:
    """A sandbox with a network stack of its own, which knows REDIRECT and not TPROXY.

    istio-init could not write its rules, and the pod would not start. RuntimeClasses have free
    names: ``gvisor`` is what gVisor's documentation and GKE Sandbox call theirs.

    Reason:
        ``sandboxed``

    Source:
        google/gvisor pkg/sentry/socket/netfilter/targets.go, the targets that are registered.
    """
    name = case.object.spec.runtime_class_name
    if name not in case.options.sandboxed_runtime_classes:
        return None
    return Decision(
        PodReason.SANDBOXED,
        warning="TPROXY is not set: the network stack of this runtimeClassName does not have it",
    )


def inbound_localhost(case: Case[Pod]) -> Decision | None:
    """``meshConfig.inboundTrafficPolicy.mode: LOCALHOST`` makes Envoy connect to loopback.

    Under TPROXY it would do so from the client's address, and no answer would come back. The flag
    ``--inbound-localhost`` tells of the mode, because no object that is admitted shows it.

    Reason:
        ``inbound-localhost``

    Source:
        istio/istio pilot/pkg/networking/core/cluster.go, buildInboundClustersFromServiceInstances.
    """
    if not case.options.inbound_localhost:
        return None
    return Decision(
        PodReason.INBOUND_LOCALHOST,
        warning="TPROXY is not set: this mesh sends inbound connections to loopback",
    )


def loopback_ingress(case: Case[Pod]) -> Decision | None:
    """A Sidecar with an ingress listener whose ``defaultEndpoint`` is loopback.

    Under TPROXY Envoy would connect to loopback from the client's address, and no answer would come
    back: the application seems dead. Under REDIRECT Envoy connects from loopback, which works.

    Reason:
        ``loopback-ingress``

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
        PodReason.LOOPBACK_INGRESS,
        warning="TPROXY is not set: an ingress listener of this pod's Sidecar leads to loopback",
    )


def proxy_security_context(case: Case[Pod]) -> Decision | None:
    """A container ``istio-proxy`` of the pod's own is merged over the injected one, unchecked.

    TPROXY needs user 0 with group 1337 and NET_ADMIN. Another user or group is not exempted from
    the redirection of its own traffic, which then loops; runAsNonRoot with user 0 never starts.

    Reason:
        ``proxy-security-context``

    Source:
        istio/istio pkg/kube/inject/webhook.go, adjustInitContainerUser.
    """
    spec = case.object.spec
    for container in (*(spec.containers or ()), *(spec.init_containers or ())):
        broken = _breaks_tproxy(container) if container.name == "istio-proxy" else ""
        if broken:
            return Decision(
                PodReason.PROXY_SECURITY_CONTEXT,
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


def pod_security(case: Case[Pod]) -> Decision | None:
    """Pod Security refuses the pod that TPROXY makes, at every level but ``privileged``.

    NET_ADMIN is not allowed at ``baseline``, and a level that cannot be read is ``restricted``.

    Reason:
        ``pod-security``

    Source:
        k8s.io/pod-security-admission policy/check_capabilities_baseline.go.
    """
    level = _level(case, "enforce")
    if level == "privileged" or case.options.ignore_pod_security:
        return None
    named = level if level == "baseline" else "restricted"
    return Decision(
        PodReason.POD_SECURITY,
        warning=f"TPROXY is not set: Pod Security level {named} would refuse its sidecar",
    )


def _level(case: Case[Pod], mode: str) -> str:
    """Read the Pod Security level of the namespace; a mode without a label is ``privileged``."""
    return (case.namespace or {}).get(POD_SECURITY + mode, "privileged")


def not_injected(case: Case[Pod]) -> Decision | None:
    """With ``--require-injection-label`` a pod needs a label that asks Istio to inject it.

    Without the flag this rule never applies, because Istio may inject pods that have no label.

    Reason:
        ``not-injected``

    Source:
        istio/istio istio-discovery/templates/mutatingwebhook.yaml, the selectors.
    """
    if not case.options.require_injection_label or case.namespace is None or asked_for(case):
        return None
    return Decision(PodReason.NOT_INJECTED)


def pod_security_caution(case: Case[Pod]) -> str:
    """Warn of what Pod Security will report, where the namespace's level only warns or audits."""
    for mode in ("warn", "audit"):
        if _level(case, mode) != "privileged":
            return (
                f"TPROXY makes the sidecar root with NET_ADMIN, which Pod Security will {mode} of"
            )
    return ""


MUTATION = Mutation(
    kind=Pod,
    half=Half.EAST_WEST,
    # istio-cni reads the live annotation when a sandbox is created, so a later change can break a
    # running pod; and the injector itself sees pods only at CREATE.
    operations=frozenset({"CREATE"}),
    reasons=PodReason,
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
    member=("metadata", "annotations", INTERCEPTION_MODE),
    value=TPROXY,
    has_parent=lambda pod: bool(pod.metadata.annotations),
    sees_patched=Sees.CLIENT,
    sees_unpatched=Sees.SIDECAR,
    caution=pod_security_caution,
)
