"""North-south: the rules for Services, in order, one function each.

The cure is ``spec.externalTrafficPolicy: Local``. The API server has filled in ``Cluster`` before
any webhook sees the object, so whether a person asked for ``Cluster`` has to be read from what the
object tells of its writer.
"""

import msgspec

from webhook.admission import patch
from webhook.admission.decision import Decision, Reason
from webhook.admission.mutation import Case, Mutation
from webhook.admission.review import LastAppliedService, Service
from webhook.optin import Half

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation in which client-side ``kubectl apply`` keeps the manifest as the user wrote it."""

LOAD_BALANCER = "LoadBalancer"
CLUSTER = "Cluster"
LOCAL = "Local"

_LOCAL_POLICY = patch.add("spec", "externalTrafficPolicy", value=LOCAL)
_last_applied = msgspec.json.Decoder(LastAppliedService)


def load_balancer(case: Case[Service]) -> Decision | None:
    """Only a load balancer's Service is changed.

    The API server refuses ``Local`` on a Service that is not reachable from outside, which would
    fail the user's request even under ``failurePolicy: Ignore``.

    Source:
        k8s.io/kubernetes pkg/apis/core/validation, validateServiceExternalTrafficPolicy.
    """
    return None if case.object.spec.type == LOAD_BALANCER else Decision(Reason.NOT_LOAD_BALANCER)


def becomes_load_balancer(case: Case[Service]) -> Decision | None:
    """An update counts only where it makes the Service a load balancer.

    On any other update the policy is a person's to change: a Service switched to ``Cluster`` by
    hand must stay so.
    """
    if case.old_object is None or case.old_object.spec.type != LOAD_BALANCER:
        return None
    return Decision(Reason.TYPE_UNCHANGED)


def already_local(case: Case[Service]) -> Decision | None:
    """A Service that is ``Local`` needs nothing."""
    is_local = case.object.spec.external_traffic_policy == LOCAL
    return Decision(Reason.ALREADY_SET) if is_local else None


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
    rules=(load_balancer, becomes_load_balancer, already_local, explicit_cluster),
    patch=_patch,
)
