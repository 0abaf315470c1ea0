"""A real Kubernetes control plane on loopback, for tests; README.md says how to build it."""

from tests.controlplane.api import ApiError, JsonObject
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.components import ComponentMissingError
from tests.controlplane.process import StartError
from tests.waiting import wait_for

__all__ = [
    "ApiError",
    "ComponentMissingError",
    "ControlPlane",
    "JsonObject",
    "StartError",
    "wait_for",
]
