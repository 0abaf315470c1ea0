"""Rules for what a pod says about its sidecar: its configuration, and a container of its own."""

from webhook.admission.decision import Decision
from webhook.admission.mutation import Case
from webhook.admission.proxy_config import NONE, TPROXY, InvalidError, UnreadError, mode_in
from webhook.admission.reason import Reason, Sees
from webhook.admission.review import Capabilities, Container, Pod, SecurityContext

PROXY_CONFIG = "proxy.istio.io/config"

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
