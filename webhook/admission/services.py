"""North-south: the rules for Services, in order, one function each.

The cure is ``spec.externalTrafficPolicy: Local``. The API server has filled in ``Cluster`` before
any webhook sees the object, so whether a person asked for ``Cluster`` has to be read from what the
object tells of its writer.
"""

from webhook.admission import patch
from webhook.admission.authorship import CLUSTER, is_written
from webhook.admission.decision import Decision
from webhook.admission.load_balancers import (
    azure_pls_proxy_protocol,
    cilium_l2,
    east_west_gateway,
    eni_load_balancer,
    no_selector,
    shared_address,
    waypoint,
)
from webhook.admission.mutation import Case, Mutation
from webhook.admission.options import ServiceTrafficPolicy
from webhook.admission.reason import Reason, Sees
from webhook.admission.review import Service
from webhook.optin import Half

LOAD_BALANCER = "LoadBalancer"
NODE_PORT = "NodePort"
LOCAL = "Local"

_UNWRITTEN = frozenset({None, "", CLUSTER})
"""What an object's policy is where its author may have written none; Go takes "" for absent."""

_LOCAL_POLICY = patch.add("spec", "externalTrafficPolicy", value=LOCAL)


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

    On any other update the policy is a person's to change. One of them is looked at all the same:
    the step from ``Local`` back to ``Cluster``, for a warning.

    Source:
        k8s.io/cloud-provider controllers/service: the load balancer is made when the type says so.
    """
    old = case.old_object
    if old is None or old.spec.type != case.object.spec.type or _is_set_back(old, case.object):
        return None
    return Decision(Reason.TYPE_UNCHANGED)


def already_local(case: Case[Service]) -> Decision | None:
    """A Service that is ``Local`` needs nothing.

    Source:
        Kubernetes, Using Source IP.
    """
    is_local = case.object.spec.external_traffic_policy == LOCAL
    return Decision(Reason.ALREADY_SET) if is_local else None


def invalid_policy(case: Case[Service]) -> Decision | None:
    """A policy that the API server refuses stays, or our patch would turn it into the opposite.

    The API server validates after its webhooks: ``cluster`` and ``Global`` would be accepted as
    ``Local``, and so would a health check port that was written beside ``Cluster``. A port that an
    update leaves as it was is the API server's own, which it takes back with the policy.

    Source:
        k8s.io/kubernetes pkg/apis/core/validation, validateServiceExternalTrafficPolicy.
    """
    spec = case.object.spec
    if spec.external_traffic_policy not in _UNWRITTEN:
        return Decision(
            Reason.INVALID_POLICY,
            warning="externalTrafficPolicy is left alone: it is neither Cluster nor Local",
        )
    before = case.old_object and case.old_object.spec.health_check_node_port
    if not spec.health_check_node_port or spec.health_check_node_port == before:
        return None
    return Decision(
        Reason.INVALID_POLICY,
        warning="externalTrafficPolicy is left alone: write Local, which healthCheckNodePort needs",
    )


def set_back_to_cluster(case: Case[Service]) -> Decision | None:
    """The step from ``Local`` back to ``Cluster`` is taken as it is asked for, and not in silence.

    A person may mean it. Helm 3 does it unasked: a chart that writes ``Cluster`` leaves no evidence
    at installation, and at the next upgrade Helm's three-way merge writes ``Cluster`` again. A
    field that is taken out of a manifest goes back to its default, ``Cluster``, in the same way.

    Source:
        helm/helm v3 pkg/kube/client.go, createPatch; tried with Helm itself in
        tests/e2e/test_helm.py.
    """
    if case.old_object is None or not _is_set_back(case.old_object, case.object):
        return None
    return Decision(
        Reason.SET_BACK_TO_CLUSTER,
        warning="externalTrafficPolicy Local becomes Cluster and hides clients: "
        "write Local in manifest or values, or label it disabled",
    )


def _is_set_back(old: Service, new: Service) -> bool:
    """Whether an update leaves the type as it is and takes ``Local`` away."""
    return (
        old.spec.type == new.spec.type
        and old.spec.external_traffic_policy == LOCAL
        and new.spec.external_traffic_policy == CLUSTER
    )


def explicit_cluster(case: Case[Service]) -> Decision | None:
    """``Cluster`` that a person wrote is respected; ``Cluster`` by default is not a choice.

    Setting ``Local`` over a written ``Cluster`` would flap with every further apply. Writers that
    leave no evidence (``kubectl create``, client-go, Helm 3) look the same either way: they get the
    setting, and have the opt-out label.

    Source:
        Recorded AdmissionReviews in tests/fixtures/reviews, one per kind of client; for the tools'
        own annotations see ``authorship``.
    """
    if not is_written(case.object):
        return None
    return Decision(
        Reason.EXPLICIT_CLUSTER,
        warning="externalTrafficPolicy Cluster is kept: this Service's backends see node addresses",
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
    patch=_patch,
    unmended=Sees.NODE,
)
