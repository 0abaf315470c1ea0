"""Bringing Istio's objects into the cluster."""

import json

from tests.controlplane import ControlPlane, JsonObject
from tests.istio.manifests import Manifests

NAMESPACE = "istio-system"

_SERVED_SECONDS = 60.0


def install(plane: ControlPlane, manifests: Manifests) -> None:
    """Apply everything but the injector's registration, and wait until Istio's kinds are served.

    Args:
        plane: the control plane to install into.
        manifests: what to install.

    Raises:
        subprocess.CalledProcessError: an object was refused; a note says which and why.
        TimeoutError: a kind is not served.
    """
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    apply(plane, json.dumps(namespace))
    apply(plane, manifests.all_but_the_injector())
    plane.wait_for(
        lambda: all(map(_is_served, plane.api.items("CustomResourceDefinition"))),
        _SERVED_SECONDS,
        "Istio's kinds to be served",
    )


def apply(plane: ControlPlane, manifests: str) -> None:
    """Apply objects, whoever wrote what is there before.

    Args:
        plane: the control plane.
        manifests: the objects, as YAML.

    Raises:
        subprocess.CalledProcessError: an object was refused; a note says which and why.
    """
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=manifests)


def _is_served(definition: JsonObject) -> bool:
    return any(
        (condition["type"], condition["status"]) == ("Established", "True")
        for condition in definition.get("status", {}).get("conditions", ())
    )
