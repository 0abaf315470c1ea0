"""The manifests that the tests apply, and what is read from what came of them."""

import importlib.resources
import json
from typing import Any

from tests.e2e.registration import KEY

MODE = "sidecar.istio.io/interceptionMode"

Json = dict[str, Any]


def guide(name: str, namespace: str) -> str:
    """Read a manifest of the guide, unchanged but for the namespace that one of them names."""
    text = (importlib.resources.files("webhook.offline") / "guide" / name).read_text()
    return text.replace("namespace: istio-system", f"namespace: {namespace}")


def load_balancer(policy: str | None = None, *, opted_out: bool = False, **spec: Any) -> str:
    """Write the manifest of a gateway's Service.

    Args:
        policy: ``externalTrafficPolicy``, where the manifest names one.
        opted_out: Whether its label asks to be left alone.
        spec: Further fields.
    """
    metadata: Json = {"name": "gw"}
    if opted_out:
        metadata["labels"] = {KEY: "disabled"}
    body: Json = {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "gw"}}
    if policy is not None:
        body["externalTrafficPolicy"] = policy
    return json.dumps(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {**body, **spec}}
    )


def mode(pod: Json) -> str | None:
    """Read the interception mode of a Pod."""
    value: str | None = pod["metadata"].get("annotations", {}).get(MODE)
    return value


def policy(service: Json) -> str | None:
    """Read the traffic policy of a Service."""
    value: str | None = service["spec"].get("externalTrafficPolicy")
    return value
