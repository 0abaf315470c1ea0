"""Whom the application sees."""

import pytest

from webhook.admission.reason import Reason
from webhook.offline.outlook import outlook


def mode(value: str) -> dict[str, str]:
    """Make the annotation that chooses an interception mode."""
    return {"sidecar.istio.io/interceptionMode": value}


@pytest.mark.parametrize(
    ("reason", "annotations", "sees"),
    [
        (Reason.NAMESPACE_NOT_OPTED_IN, None, "127.0.0.6"),
        (Reason.POD_SECURITY, {}, "127.0.0.6"),
        (Reason.EXPLICIT_MODE, mode("REDIRECT"), "127.0.0.6"),
        (Reason.EXPLICIT_MODE, mode("NONE"), "its client"),
        (Reason.ADDED, mode("TPROXY"), "its client"),
        (Reason.HOST_NETWORK, None, "its client"),
        (Reason.INJECTION_REFUSED, None, "its client"),
        (Reason.INVALID_MODE, mode("tproxy"), "-"),
    ],
)
def test_pod(reason: Reason, annotations: dict[str, str] | None, sees: str) -> None:
    """Only REDIRECT hides the client, and a Pod that Istio refuses sees nobody."""
    stored = {"kind": "Pod", "metadata": {"annotations": annotations}, "spec": {}}
    assert outlook(stored, reason) == sees


@pytest.mark.parametrize(
    ("kind", "policy", "sees"),
    [
        ("LoadBalancer", "Cluster", "a node's address"),
        ("LoadBalancer", "Local", "its client"),
        ("NodePort", "Cluster", "-"),
        ("ClusterIP", None, "-"),
    ],
)
def test_service(kind: str, policy: str | None, sees: str) -> None:
    """Behind a load balancer only Local shows the client; of other Services nothing is said."""
    spec = {"type": kind, "externalTrafficPolicy": policy}
    assert outlook({"kind": "Service", "spec": spec}, Reason.NAMESPACE_NOT_OPTED_IN) == sees


def test_load_balancer_past_kube_proxy() -> None:
    """A load balancer that reaches pods directly hides nobody, whatever the policy."""
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster"}
    assert outlook({"kind": "Service", "spec": spec}, Reason.ENI_LOAD_BALANCER) == "its client"


def test_refused_service() -> None:
    """Nobody is seen behind a Service that the API server will refuse."""
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "cluster"}
    assert outlook({"kind": "Service", "spec": spec}, Reason.INVALID_POLICY) == "-"
