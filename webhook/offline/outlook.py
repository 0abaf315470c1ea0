"""What the application behind an object sees as its caller's address."""

from collections.abc import Mapping
from typing import Any, Final

from webhook.admission.pods import INTERCEPTION_MODE, NONE, REDIRECT, TPROXY
from webhook.admission.services import LOAD_BALANCER, LOCAL

CLIENT: Final = "its client"
SIDECAR: Final = "127.0.0.6"
"""The address from which a sidecar in REDIRECT mode calls the application beside it."""
NODE: Final = "a node's address"
"""What kube-proxy's source NAT leaves of the client's address."""
NOTHING_TO_SAY: Final = "-"


def outlook(stored: Mapping[str, Any]) -> str:
    """Tell whom the application sees.

    Args:
        stored: A Pod or a Service as the API server stores it, after admission.

    Returns:
        One of this module's constants; for a Pod on the assumption that Istio injects it.

    Source:
        istio/istio pilot/pkg/networking/core/listener_address.go (127.0.0.6);
        https://kubernetes.io/docs/tutorials/services/source-ip/.
    """
    return _pod(stored) if stored["kind"] == "Pod" else _service(stored["spec"])


def _pod(pod: Mapping[str, Any]) -> str:
    mode = (pod["metadata"].get("annotations") or {}).get(INTERCEPTION_MODE, REDIRECT)
    if pod["spec"].get("hostNetwork"):
        return CLIENT
    # NONE: nothing leads inbound connections to the sidecar; any other word: Istio refuses the pod.
    return {TPROXY: CLIENT, NONE: CLIENT, REDIRECT: SIDECAR}.get(mode, NOTHING_TO_SAY)


def _service(spec: Mapping[str, Any]) -> str:
    if spec["type"] != LOAD_BALANCER:
        return NOTHING_TO_SAY
    return CLIENT if spec["externalTrafficPolicy"] == LOCAL else NODE
