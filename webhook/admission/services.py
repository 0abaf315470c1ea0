"""North-south: the rules for Services, in order, one function each.

The cure is ``spec.externalTrafficPolicy: Local``. The API server has filled in ``Cluster`` before
any webhook sees the object, so whether a person asked for ``Cluster`` has to be read from what the
object tells of its writer.
"""

import msgspec

from webhook.admission import patch
from webhook.admission.decision import Decision
from webhook.admission.injection import MANAGED_GATEWAY
from webhook.admission.mutation import Case, Mutation
from webhook.admission.options import ServiceTrafficPolicy
from webhook.admission.reason import Reason, Sees
from webhook.admission.review import LastAppliedService, Service
from webhook.optin import Half

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation in which client-side ``kubectl apply`` keeps the manifest as the user wrote it."""

BACKEND_TYPE = "service.beta.kubernetes.io/backend-type"
"""Annotation of Alibaba Cloud's cloud controller: ``eni`` or ``ecs``."""

LOAD_BALANCER = "LoadBalancer"
NODE_PORT = "NodePort"
CLUSTER = "Cluster"
LOCAL = "Local"

_LOCAL_POLICY = patch.add("spec", "externalTrafficPolicy", value=LOCAL)
_last_applied = msgspec.json.Decoder(LastAppliedService)


def services_off(case: Case[Service]) -> Decision | None:
    """The admin may leave all Services alone, as on a cluster whose load balancers need nothing.

    Source:
        Alibaba Cloud ASM, Preserve the source IP address: not needed with Terway.
    """
    never = case.options.service_traffic_policy is ServiceTrafficPolicy.NEVER
    return Decision(Reason.SERVICES_OFF) if never else None


def load_balancer(case: Case[Service]) -> Decision | None:
    """Only a load balancer's Service is changed, and a NodePort one where the admin wants it.

    The API server refuses ``Local`` on a Service that is not reachable from outside, which would
    fail the user's request even under ``failurePolicy: Ignore``. A ClusterIP Service with
    externalIPs could have it, but nothing keeps clients from nodes without a pod.

    Source:
        k8s.io/kubernetes pkg/apis/core/validation, validateServiceExternalTrafficPolicy.
    """
    kind = case.object.spec.type
    if kind == LOAD_BALANCER or (kind == NODE_PORT and case.options.node_ports):
        return None
    return Decision(Reason.NOT_LOAD_BALANCER)


def type_changes(case: Case[Service]) -> Decision | None:
    """An update counts only where it gives the Service its type, and so its load balancer.

    On any other update the policy is a person's to change: a Service switched to ``Cluster`` by
    hand must stay so.

    Source:
        k8s.io/cloud-provider controllers/service: the load balancer is made when the type says so.
    """
    if case.old_object is None or case.old_object.spec.type != case.object.spec.type:
        return None
    return Decision(Reason.TYPE_UNCHANGED)


def already_local(case: Case[Service]) -> Decision | None:
    """A Service that is ``Local`` needs nothing.

    Source:
        Kubernetes, Using Source IP.
    """
    is_local = case.object.spec.external_traffic_policy == LOCAL
    return Decision(Reason.ALREADY_SET) if is_local else None


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


def explicit_cluster(case: Case[Service]) -> Decision | None:
    """``Cluster`` that a person wrote is respected; ``Cluster`` by default is not a choice.

    Setting ``Local`` over a written ``Cluster`` would flap with every further apply. Writers that
    leave no evidence (``kubectl create``, client-go, Helm 3) look the same either way: they get the
    setting, and have the opt-out label.

    Source:
        Recorded AdmissionReviews in tests/fixtures/reviews, one per kind of client.
    """
    if not (_in_last_applied(case) or _owned_by_apply(case)):
        return None
    return Decision(
        Reason.EXPLICIT_CLUSTER,
        warning="externalTrafficPolicy Cluster is kept: this Service's backends see node addresses",
    )


def _in_last_applied(case: Case[Service]) -> bool:
    """Evidence of client-side apply, exact: the manifest itself, as the user wrote it."""
    manifest = case.annotations.get(LAST_APPLIED)
    if manifest is None:
        return False
    try:
        spec = _last_applied.decode(manifest).spec
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False  # not kubectl's writing, so no evidence
    return spec is not None and spec.external_traffic_policy == CLUSTER


def _owned_by_apply(case: Case[Service]) -> bool:
    """Evidence of server-side apply, exact: the fields that the user's manifest named.

    Entries of operation ``Update`` list the field always, defaulted or not, and prove nothing.
    """
    return any(
        entry.operation == "Apply"
        and entry.fields_v1 is not None
        and entry.fields_v1.spec is not None
        and entry.fields_v1.spec.external_traffic_policy is not msgspec.UNSET
        for entry in case.object.metadata.managed_fields or ()
    )


def _patch(_service: Service) -> patch.Patch:
    """A Service always has a spec, so one form applies to all."""
    return _LOCAL_POLICY


MUTATION = Mutation(
    kind=Service,
    half=Half.NORTH_SOUTH,
    operations=frozenset({"CREATE", "UPDATE"}),
    rules=(
        services_off,
        load_balancer,
        type_changes,
        already_local,
        waypoint,
        east_west_gateway,
        eni_load_balancer,
        explicit_cluster,
    ),
    patch=_patch,
    unmended=Sees.NODE,
)
