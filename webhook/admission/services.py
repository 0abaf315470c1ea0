"""North-south: the reasons and the rules of Services, in the order in which the rules are asked.

The cure is ``spec.externalTrafficPolicy: Local``. The API server has filled in ``Cluster`` before
any webhook sees the object, so whether a person asked for ``Cluster`` has to be read from what the
object tells of its writer (``authorship``).

Load balancers on which ``Local`` does no good, or does harm, are recognised by what the Service
itself shows; what only the load balancer's own settings show is in docs/load-balancers.md. A rule
book is read from top to bottom, so it is one file, however long.
"""

from webhook.admission.authorship import CLUSTER, is_written
from webhook.admission.decision import CommonReason, Decision, Outcome, Reason, Sees
from webhook.admission.mutation import Case, Mutation
from webhook.admission.options import ServiceTrafficPolicy
from webhook.admission.review import Service
from webhook.labels import (
    AZURE_PLS_PROXY_PROTOCOL,
    BACKEND_TYPE,
    MANAGED_GATEWAY,
    NETWORK,
    SHARING_KEYS,
    Half,
)

LOAD_BALANCER = "LoadBalancer"
NODE_PORT = "NodePort"
"""Values of ``spec.type``."""
CILIUM_L2_CLASS = "io.cilium/l2-announcer"
"""Value of ``spec.loadBalancerClass``."""
LOCAL = "Local"
"""Value of ``spec.externalTrafficPolicy`` that is set."""
_UNWRITTEN = frozenset({None, "", CLUSTER})
"""Policies that an object may have although its author wrote none; Go takes "" for absent."""


class ServiceReason(Reason):
    """Why a Service got its outcome, in the order of the rules."""

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
    INVALID_POLICY = (
        "invalid-policy",
        Outcome.CONFLICT,
        "the API server refuses what the Service says of its policy, and is left to say so",
        Sees.NOTHING,
    )
    WAYPOINT = (
        "waypoint",
        Outcome.SKIPPED,
        "a waypoint serves the mesh, and no client outside",
        Sees.NODE,
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


def services_off(case: Case[Service]) -> Decision | None:
    """The admin may leave all Services alone, as on a cluster whose load balancers need nothing.

    Reason:
        ``services-off``

    Source:
        Alibaba Cloud ASM, Preserve the source IP address: not needed with Terway.
    """
    never = case.options.service_traffic_policy is ServiceTrafficPolicy.NEVER
    return Decision(ServiceReason.SERVICES_OFF) if never else None


def load_balancer(case: Case[Service]) -> Decision | None:
    """Only a load balancer's Service is changed, and a NodePort one where the admin wants it.

    The API server refuses ``Local`` on a Service that is not reachable from outside, which would
    fail the user's request even under ``failurePolicy: Ignore``. A ClusterIP Service with
    externalIPs could have it, but nothing keeps clients from nodes without a pod.

    Reason:
        ``not-load-balancer``

    Source:
        k8s.io/kubernetes pkg/apis/core/validation, validateServiceExternalTrafficPolicy.
    """
    kind = case.object.spec.type
    if kind == LOAD_BALANCER or (kind == NODE_PORT and case.options.node_ports):
        return None
    return Decision(ServiceReason.NOT_LOAD_BALANCER)


def type_changes(case: Case[Service]) -> Decision | None:
    """An update counts only where it gives the Service its type, and so its load balancer.

    On any other update the policy is a person's to change. One of them is looked at all the same:
    the step from ``Local`` back to ``Cluster``, for a warning.

    Reason:
        ``type-unchanged``

    Source:
        k8s.io/cloud-provider controllers/service: the load balancer is made when the type says so.
    """
    old = case.old_object
    if old is None or old.spec.type != case.object.spec.type or _is_set_back(old, case.object):
        return None
    return Decision(ServiceReason.TYPE_UNCHANGED)


def _is_set_back(old: Service, new: Service) -> bool:
    """Whether an update leaves the type as it is and takes ``Local`` away."""
    return (
        old.spec.type == new.spec.type
        and old.spec.external_traffic_policy == LOCAL
        and new.spec.external_traffic_policy == CLUSTER
    )


def already_local(case: Case[Service]) -> Decision | None:
    """A Service that is ``Local`` already needs no patch.

    Reason:
        ``already-set``

    Source:
        Kubernetes, Using Source IP.
    """
    is_local = case.object.spec.external_traffic_policy == LOCAL
    return Decision(CommonReason.ALREADY_SET) if is_local else None


def invalid_policy(case: Case[Service]) -> Decision | None:
    """A policy that the API server refuses stays, or our patch would turn it into the opposite.

    The API server validates after its webhooks: ``cluster`` and ``Global`` would be accepted as
    ``Local``, and so would a health check port that was written beside ``Cluster``. A port that an
    update leaves as it was is the API server's own, which it takes back with the policy.

    Reason:
        ``invalid-policy``

    Source:
        k8s.io/kubernetes pkg/apis/core/validation, validateServiceExternalTrafficPolicy.
    """
    spec = case.object.spec
    if spec.external_traffic_policy not in _UNWRITTEN:
        return Decision(
            ServiceReason.INVALID_POLICY,
            warning="externalTrafficPolicy is left alone: it is neither Cluster nor Local",
        )
    before = case.old_object and case.old_object.spec.health_check_node_port
    if not spec.health_check_node_port or spec.health_check_node_port == before:
        return None
    return Decision(
        ServiceReason.INVALID_POLICY,
        warning="externalTrafficPolicy is left alone: write Local, which healthCheckNodePort needs",
    )


def waypoint(case: Case[Service]) -> Decision | None:
    """A waypoint's Service is for the mesh itself, whatever its type.

    Reason:
        ``waypoint``

    Source:
        istio/istio pkg/config/constants/constants.go, ManagedGatewayMeshControllerLabel.
    """
    managed = case.labels.get(MANAGED_GATEWAY) == "istio.io-mesh-controller"
    return Decision(ServiceReason.WAYPOINT) if managed else None


def east_west_gateway(case: Case[Service]) -> Decision | None:
    """The clients of an east-west gateway are the gateways of other clusters.

    Reason:
        ``east-west-gateway``

    Source:
        istio/istio pkg/config/constants/constants.go, ManagedGatewayEastWestControllerLabel; the
        label ``topology.istio.io/network`` on gateways that Helm makes.
    """
    managed = case.labels.get(MANAGED_GATEWAY) == "istio.io-eastwest-controller"
    if case.options.east_west_gateways or not (managed or NETWORK in case.labels):
        return None
    return Decision(
        ServiceReason.EAST_WEST_GATEWAY,
        warning="externalTrafficPolicy is left alone: clients of an east-west gateway are gateways",
    )


def eni_load_balancer(case: Case[Service]) -> Decision | None:
    """On Alibaba Cloud a load balancer with ENI backends sends to pods directly, past kube-proxy.

    Recognised by the annotation that its cloud controller reads. Where the controller makes ENI
    backends by a setting of its own, admission cannot see it. ``Local`` is set there and has no
    effect, because the controller looks at the backend type first.

    Reason:
        ``eni-load-balancer``

    Source:
        kubernetes/cloud-provider-alibaba-cloud pkg/controller/service, isENIBackendType and
        getTrafficPolicy.
    """
    if case.options.service_traffic_policy is ServiceTrafficPolicy.ALWAYS:
        return None
    is_eni = case.annotations.get(BACKEND_TYPE) == "eni"
    return Decision(ServiceReason.ENI_LOAD_BALANCER) if is_eni else None


def no_selector(case: Case[Service]) -> Decision | None:
    """Endpoints that no selector finds are local only to a node that they name, and few name one.

    They are written by hand, or by an operator as Patroni's are: for kube-proxy such an endpoint is
    local to no node, so under ``Local`` every node drops what it gets.

    Reason:
        ``no-selector``

    Source:
        Kubernetes, Services without selectors; k8s.io/kubernetes pkg/proxy/endpointslicecache.go,
        where ``isLocal`` compares an endpoint's ``nodeName``.
    """
    if case.object.spec.selector or case.options.services_without_selector:
        return None
    return Decision(
        ServiceReason.NO_SELECTOR,
        warning="externalTrafficPolicy is left alone: without selector no endpoint is local, "
        "and Local drops everything",
    )


def shared_address(case: Case[Service]) -> Decision | None:
    """Services may share an address under ``Local`` only if they select the same pods.

    The other Service cannot be seen here. Where it differs in policy or selector, the one that
    comes second gets no address; PureLB sets both back to ``Cluster``.

    Reason:
        ``shared-address``

    Source:
        MetalLB, Usage, IP address sharing; cilium/cilium operator/pkg/lbipam/service_store.go,
        isCompatible; PureLB, Service annotations.
    """
    if case.options.shared_addresses or not any(map(case.annotations.get, SHARING_KEYS)):
        return None
    return Decision(
        ServiceReason.SHARED_ADDRESS,
        warning="externalTrafficPolicy is left alone: under Local only the same pods may share "
        "an address",
    )


def cilium_l2(case: Case[Service]) -> Decision | None:
    """Cilium's L2 announcer does not look where the pods are when it chooses a node.

    Recognised by ``spec.loadBalancerClass``. A policy of Cilium's, which admission cannot see, may
    let it announce a Service without that class as well.

    Reason:
        ``cilium-l2``

    Source:
        Cilium, L2 Announcements, Limitations: incompatible with ``externalTrafficPolicy: Local``.
    """
    is_l2 = case.object.spec.load_balancer_class == CILIUM_L2_CLASS
    if case.options.cilium_l2 or not is_l2:
        return None
    return Decision(
        ServiceReason.CILIUM_L2,
        warning="externalTrafficPolicy is left alone: Cilium documents Local as incompatible with "
        "L2 announcements",
    )


def azure_pls_proxy_protocol(case: Case[Service]) -> Decision | None:
    """With the PROXY protocol Azure's health probe speaks it too, and kube-proxy does not.

    Reason:
        ``azure-pls-proxy-protocol``

    Source:
        Cloud Provider Azure, Azure Private Link Service Integration.
    """
    speaks = case.annotations.get(AZURE_PLS_PROXY_PROTOCOL, "").lower() == "true"
    if case.options.azure_pls_proxy_protocol or not speaks:
        return None
    return Decision(
        ServiceReason.AZURE_PLS_PROXY_PROTOCOL,
        warning="externalTrafficPolicy is left alone: under Local, health probes of Azure's PROXY "
        "protocol fail",
    )


def set_back_to_cluster(case: Case[Service]) -> Decision | None:
    """An update from ``Local`` back to ``Cluster`` is left as it is asked for, with a warning.

    A person may mean it. Helm 3 does it unasked: a chart that writes ``Cluster`` leaves no evidence
    at installation, and at the next upgrade Helm's three-way merge writes ``Cluster`` again. A
    field that is taken out of a manifest goes back to its default, ``Cluster``, in the same way.

    Reason:
        ``set-back-to-cluster``

    Source:
        helm/helm v3 pkg/kube/client.go, createPatch; tried with Helm itself in
        tests/e2e/test_helm.py.
    """
    if case.old_object is None or not _is_set_back(case.old_object, case.object):
        return None
    return Decision(
        ServiceReason.SET_BACK_TO_CLUSTER,
        warning="externalTrafficPolicy Local becomes Cluster and hides clients: "
        "write Local in manifest or values, or label it disabled",
    )


def explicit_cluster(case: Case[Service]) -> Decision | None:
    """``Cluster`` that a person wrote is respected; ``Cluster`` by default is not a choice.

    Setting ``Local`` over a written ``Cluster`` would flap with every further apply. Writers that
    leave no evidence (``kubectl create``, client-go, Helm 3) look the same either way: they get the
    setting, and have the opt-out label.

    Reason:
        ``explicit-cluster``

    Source:
        Recorded AdmissionReviews in tests/fixtures/reviews, one per kind of client; for the tools'
        own annotations see ``authorship``.
    """
    if not is_written(case.object):
        return None
    return Decision(
        ServiceReason.EXPLICIT_CLUSTER,
        warning="externalTrafficPolicy Cluster is kept: this Service's backends see node addresses",
    )


MUTATION = Mutation(
    kind=Service,
    half=Half.NORTH_SOUTH,
    operations=frozenset({"CREATE", "UPDATE"}),
    reasons=ServiceReason,
    rules=(
        services_off,
        load_balancer,
        type_changes,
        already_local,
        invalid_policy,
        waypoint,
        east_west_gateway,
        eni_load_balancer,
        no_selector,
        shared_address,
        cilium_l2,
        azure_pls_proxy_protocol,
        set_back_to_cluster,
        explicit_cluster,
    ),
    member=("spec", "externalTrafficPolicy"),
    value=LOCAL,
    has_parent=lambda _service: True,  # review.Service has none without a spec
    sees_patched=Sees.CLIENT,
    sees_unpatched=Sees.NODE,
)
