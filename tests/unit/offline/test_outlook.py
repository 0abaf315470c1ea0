"""Whom the application sees."""

from typing import Any

import pytest

from webhook.offline.outlook import outlook


def mode(value: str) -> dict[str, str]:
    """Make the annotation that chooses an interception mode."""
    return {"sidecar.istio.io/interceptionMode": value}


@pytest.mark.parametrize(
    ("metadata", "spec", "sees"),
    [
        ({}, {}, "127.0.0.6"),
        ({"annotations": None}, {"hostNetwork": False}, "127.0.0.6"),
        ({"annotations": mode("REDIRECT")}, {}, "127.0.0.6"),
        ({"annotations": mode("TPROXY")}, {}, "its client"),
        ({"annotations": mode("NONE")}, {}, "its client"),
        ({"annotations": mode("tproxy")}, {}, "-"),
        ({}, {"hostNetwork": True}, "its client"),
    ],
)
def test_pod(metadata: dict[str, Any], spec: dict[str, Any], sees: str) -> None:
    """Only REDIRECT hides the client; a mode that Istio does not know makes no Pod."""
    assert outlook({"kind": "Pod", "metadata": metadata, "spec": spec}) == sees


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
    assert outlook({"kind": "Service", "spec": spec}) == sees
