"""East-west: what happens to Pods.

The cure is the pod annotation ``sidecar.istio.io/interceptionMode: TPROXY``, which Istio's injector
reads while it renders the sidecar; so it helps only before the injector has run, and only on pods
that it injects.
"""

from webhook.admission import injection, interception, patch, proxy
from webhook.admission.interception import INTERCEPTION_MODE
from webhook.admission.mutation import Mutation
from webhook.admission.proxy_config import TPROXY
from webhook.admission.reason import Sees
from webhook.admission.review import Pod
from webhook.optin import Half

_FIRST_ANNOTATION = patch.add("metadata", "annotations", value={INTERCEPTION_MODE: TPROXY})
_ONE_MORE_ANNOTATION = patch.add("metadata", "annotations", INTERCEPTION_MODE, value=TPROXY)


def _patch(pod: Pod) -> patch.Patch:
    """Choose the form that applies: ``add`` needs its parent, and a bare pod has no annotations."""
    return _ONE_MORE_ANNOTATION if pod.metadata.annotations else _FIRST_ANNOTATION


MUTATION = Mutation(
    kind=Pod,
    half=Half.EAST_WEST,
    # istio-cni reads the live annotation when a sandbox is created, so a later change can break a
    # running pod; and the injector itself sees pods only at CREATE.
    operations=frozenset({"CREATE"}),
    rules=(
        injection.mirror_pod,
        injection.system_namespace,
        interception.already_injected,
        injection.host_network,
        injection.injection_refused,
        injection.namespace_not_injected,
        injection.other_template,
        injection.gateway,
        injection.ambient,
        injection.windows,
        interception.inbound_not_captured,
        interception.mode_chosen,
        proxy.proxy_config_mode,
        interception.kubevirt,
        interception.virtual_interfaces,
        interception.sandboxed,
        proxy.inbound_localhost,
        proxy.loopback_ingress,
        proxy.proxy_security_context,
        interception.pod_security,
        injection.not_injected,
    ),
    patch=_patch,
    unmended=Sees.SIDECAR,
    caution=interception.pod_security_caution,
)
