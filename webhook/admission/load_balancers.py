"""North-south: the load balancers on which ``Local`` does no good, or does harm.

Rules of the same form as in :mod:`webhook.admission.services`, which has their order. Each goes by
what the Service itself shows; what only the load balancer's own settings tell is in
docs/load-balancers.md.
"""

from webhook.admission.decision import Decision
from webhook.admission.injection import MANAGED_GATEWAY
from webhook.admission.mutation import Case
from webhook.admission.options import ServiceTrafficPolicy
from webhook.admission.reason import Reason
from webhook.admission.review import Service

BACKEND_TYPE = "service.beta.kubernetes.io/backend-type"
"""Annotation of Alibaba Cloud's cloud controller: ``eni`` or ``ecs``."""

SHARING_KEYS = (
    "metallb.io/allow-shared-ip",
    "metallb.universe.tf/allow-shared-ip",
    "lbipam.cilium.io/sharing-key",
    "io.cilium/lb-ipam-sharing-key",
    "purelb.io/allow-shared-ip",
)
"""Annotations by which Services share an address, of MetalLB, Cilium and PureLB."""

AZURE_PLS_PROXY_PROTOCOL = "service.beta.kubernetes.io/azure-pls-proxy-protocol"
"""Annotation of Azure's cloud controller: the PROXY protocol of a Private Link Service."""

CILIUM_L2_CLASS = "io.cilium/l2-announcer"
"""Value of ``spec.loadBalancerClass``."""


def waypoint(case: Case[Service]) -> Decision | None:
    """A waypoint's Service is for the mesh itself, whatever its type.

    Source:
        istio/istio pkg/config/constants/constants.go, ManagedGatewayMeshControllerLabel.
    """
    managed = case.labels.get(MANAGED_GATEWAY) == "istio.io-mesh-controller"
    return Decision(Reason.WAYPOINT) if managed else None


def east_west_gateway(case: Case[Service]) -> Decision | None:
    """The clients of an east-west gateway are the gateways of other clusters.

    Source:
        istio/istio pkg/config/constants/constants.go, ManagedGatewayEastWestControllerLabel; the
        label ``topology.istio.io/network`` on gateways that Helm makes.
    """
    managed = case.labels.get(MANAGED_GATEWAY) == "istio.io-eastwest-controller"
    if case.options.east_west_gateways or not (
        managed or "topology.istio.io/network" in case.labels
    ):
        return None
    return Decision(
        Reason.EAST_WEST_GATEWAY,
        warning="externalTrafficPolicy is left alone: clients of an east-west gateway are gateways",
    )


def eni_load_balancer(case: Case[Service]) -> Decision | None:
    """On Alibaba Cloud a load balancer with ENI backends sends to pods directly, past kube-proxy.

    Told by the annotation that its cloud controller reads. Where the controller makes ENI backends
    by a setting of its own, admission cannot see it: there ``Local`` is set, and harmless, since
    the controller asks for the backend type first.

    Source:
        kubernetes/cloud-provider-alibaba-cloud pkg/controller/service, isENIBackendType and
        getTrafficPolicy.
    """
    if case.options.service_traffic_policy is ServiceTrafficPolicy.ALWAYS:
        return None
    is_eni = case.annotations.get(BACKEND_TYPE) == "eni"
    return Decision(Reason.ENI_LOAD_BALANCER) if is_eni else None


def no_selector(case: Case[Service]) -> Decision | None:
    """Endpoints that no selector finds are local only to a node that they name, and few name one.

    They are written by hand, or by an operator as Patroni's are: for kube-proxy such an endpoint is
    local to no node, so under ``Local`` every node drops what it gets.

    Source:
        Kubernetes, Services without selectors; k8s.io/kubernetes pkg/proxy/endpointslicecache.go,
        where ``isLocal`` compares an endpoint's ``nodeName``.
    """
    if case.object.spec.selector or case.options.services_without_selector:
        return None
    return Decision(
        Reason.NO_SELECTOR,
        warning="externalTrafficPolicy is left alone: without selector no endpoint is local, "
        "and Local drops everything",
    )


def shared_address(case: Case[Service]) -> Decision | None:
    """Services may share an address under ``Local`` only if they select the same pods.

    The other Service cannot be seen here. Where it differs in policy or selector, the one that
    comes second gets no address; PureLB sets both back to ``Cluster``.

    Source:
        MetalLB, Usage, IP address sharing; cilium/cilium operator/pkg/lbipam/service_store.go,
        isCompatible; PureLB, Service annotations.
    """
    if case.options.shared_addresses or not any(map(case.annotations.get, SHARING_KEYS)):
        return None
    return Decision(
        Reason.SHARED_ADDRESS,
        warning="externalTrafficPolicy is left alone: under Local only the same pods may share "
        "an address",
    )


def cilium_l2(case: Case[Service]) -> Decision | None:
    """Cilium's L2 announcer does not look where the pods are when it chooses a node.

    Told by the class. A Service without one may be announced so as well, by a policy of Cilium's
    that admission cannot see.

    Source:
        Cilium, L2 Announcements, Limitations: incompatible with ``externalTrafficPolicy: Local``.
    """
    is_l2 = case.object.spec.load_balancer_class == CILIUM_L2_CLASS
    if case.options.cilium_l2 or not is_l2:
        return None
    return Decision(
        Reason.CILIUM_L2,
        warning="externalTrafficPolicy is left alone: Cilium documents Local as incompatible with "
        "L2 announcements",
    )


def azure_pls_proxy_protocol(case: Case[Service]) -> Decision | None:
    """With the PROXY protocol Azure's health probe speaks it too, and kube-proxy does not.

    Source:
        Cloud Provider Azure, Azure Private Link Service Integration.
    """
    speaks = case.annotations.get(AZURE_PLS_PROXY_PROTOCOL, "").lower() == "true"
    if case.options.azure_pls_proxy_protocol or not speaks:
        return None
    return Decision(
        Reason.AZURE_PLS_PROXY_PROTOCOL,
        warning="externalTrafficPolicy is left alone: under Local, health probes of Azure's PROXY "
        "protocol fail",
    )
