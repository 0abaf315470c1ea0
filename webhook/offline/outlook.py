"""What the application behind an object sees as its caller's address."""

from collections.abc import Mapping
from typing import Any, Final

from webhook.admission.interception import INTERCEPTION_MODE
from webhook.admission.proxy_config import NONE, TPROXY
from webhook.admission.reason import Reason
from webhook.admission.services import LOAD_BALANCER, LOCAL

CLIENT: Final = "its client"
SIDECAR: Final = "127.0.0.6"
"""The address from which a sidecar in REDIRECT mode calls the application beside it."""
NODE: Final = "a node's address"
"""What kube-proxy's source NAT leaves of the client's address."""
NOTHING_TO_SAY: Final = "-"


_NOT_INTERCEPTED: Final = frozenset(
    {
        Reason.SYSTEM_NAMESPACE,
        Reason.HOST_NETWORK,
        Reason.INJECTION_REFUSED,
        Reason.NAMESPACE_NOT_INJECTED,
        Reason.OTHER_TEMPLATE,
        Reason.GATEWAY,
        Reason.AMBIENT,
        Reason.WINDOWS,
        Reason.NOT_INJECTED,
        Reason.INBOUND_NOT_CAPTURED,
        Reason.ENI_LOAD_BALANCER,
    }
)
"""Why nothing stands between the application and its clients, without our doing."""

_REFUSED: Final = frozenset(
    {Reason.INVALID_MODE, Reason.INVALID_PROXY_CONFIG, Reason.INVALID_POLICY}
)
"""Why Istio, or the API server, will not let the object be created."""


def outlook(stored: Mapping[str, Any], reason: str) -> str:
    """Tell whom the application sees.

    Args:
        stored: A Pod or a Service as the API server stores it, after admission.
        reason: Why it is as it is.

    Returns:
        One of this module's constants; for a Pod on the assumption that Istio injects it, unless
        the reason says otherwise.

    Source:
        istio/istio pilot/pkg/networking/core/listener_address.go (127.0.0.6);
        https://kubernetes.io/docs/tutorials/services/source-ip/.
    """
    if reason in _NOT_INTERCEPTED:
        return CLIENT
    if reason in _REFUSED:
        return NOTHING_TO_SAY
    return _pod(stored) if stored["kind"] == "Pod" else _service(stored["spec"])


def _pod(pod: Mapping[str, Any]) -> str:
    mode = (pod["metadata"].get("annotations") or {}).get(INTERCEPTION_MODE)
    return CLIENT if mode in {TPROXY, NONE} else SIDECAR  # NONE: nothing leads to the sidecar


def _service(spec: Mapping[str, Any]) -> str:
    if spec["type"] != LOAD_BALANCER:
        return NOTHING_TO_SAY
    return CLIENT if spec["externalTrafficPolicy"] == LOCAL else NODE
