"""East-west: the rules for Pods, in order, one function each.

The cure is the pod annotation ``sidecar.istio.io/interceptionMode: TPROXY``, which Istio's injector
reads while it renders the sidecar; so it helps only before the injector has run, and only on pods
that it injects.
"""

from webhook.admission import patch
from webhook.admission.decision import Decision, Reason
from webhook.admission.mutation import Case, Mutation
from webhook.admission.review import Pod
from webhook.optin import Half

INTERCEPTION_MODE = "sidecar.istio.io/interceptionMode"
"""Annotation that chooses how the sidecar intercepts inbound traffic."""

INJECTION_STATUS = "sidecar.istio.io/status"
"""Annotation that Istio's injector leaves on every pod it has injected."""

TPROXY = "TPROXY"
REDIRECT = "REDIRECT"
NONE = "NONE"

_FIRST_ANNOTATION = patch.add("metadata", "annotations", value={INTERCEPTION_MODE: TPROXY})
_ONE_MORE_ANNOTATION = patch.add("metadata", "annotations", INTERCEPTION_MODE, value=TPROXY)


def already_injected(case: Case[Pod]) -> Decision | None:
    """A pod that carries its sidecar already is never touched.

    The sidecar was rendered for the mode of that moment. With istio-cni a changed annotation makes
    TPROXY rules in front of a REDIRECT proxy, and every inbound connection times out.

    Source:
        istio/istio cni/pkg/plugin/sidecar_redirect.go; files/injection-template.yaml.
    """
    if INJECTION_STATUS not in case.annotations:
        return None
    if case.annotations.get(INTERCEPTION_MODE) == TPROXY:
        return Decision(Reason.ALREADY_INJECTED)
    return Decision(
        Reason.ALREADY_INJECTED,
        warning="the sidecar is in this pod already, without TPROXY: create it without the sidecar",
    )


def host_network(case: Case[Pod]) -> Decision | None:
    """Istio never injects a pod of the host network.

    Source:
        istio/istio pkg/kube/inject/inject.go, injectRequired.
    """
    return Decision(Reason.HOST_NETWORK) if case.object.spec.host_network else None


def mode_chosen(case: Case[Pod]) -> Decision | None:
    """A mode that is there already is a person's choice and stays.

    Source:
        istio/istio pkg/kube/inject/validate.go: exactly REDIRECT, TPROXY or NONE, case-sensitive;
        Istio refuses a pod with any other value, the empty one included.
    """
    mode = case.annotations.get(INTERCEPTION_MODE)
    if mode is None:
        return None
    if mode == TPROXY:
        return Decision(Reason.ALREADY_SET)
    if mode == NONE:
        return Decision(Reason.EXPLICIT_MODE)  # nothing intercepts, so nothing hides the clients
    if mode == REDIRECT:
        return Decision(
            Reason.EXPLICIT_MODE,
            warning=f"{INTERCEPTION_MODE} is {mode}: this pod will see 127.0.0.6 as its client",
        )
    return Decision(
        Reason.INVALID_MODE,
        warning=f"{INTERCEPTION_MODE} must be TPROXY, REDIRECT or NONE: Istio will refuse this pod",
    )


def _patch(pod: Pod) -> patch.Patch:
    """Choose the form that applies: ``add`` needs its parent, and a bare pod has no annotations."""
    return _ONE_MORE_ANNOTATION if pod.metadata.annotations else _FIRST_ANNOTATION


MUTATION = Mutation(
    kind=Pod,
    half=Half.EAST_WEST,
    # istio-cni reads the live annotation when a sandbox is created, so a later change can break a
    # running pod; and the injector itself sees pods only at CREATE.
    operations=frozenset({"CREATE"}),
    rules=(already_injected, host_network, mode_chosen),
    patch=_patch,
)
