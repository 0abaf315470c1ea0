"""The Deployment of this folder's tests: program.py, in as few lines of YAML as it takes."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from tests.controlplane import ControlPlane
from tests.kubelet.images import Image
from tests.kubelet.kubelet import Kubelet

JsonObject = dict[str, Any]

DEADLINE = 30.0
"""Seconds after which a test that waits has failed."""

IMAGE = Image(entrypoint=(sys.executable, str(Path(__file__).with_name("program.py"))))

NAME = "web"
_LABELS = {"app": NAME}


@dataclass(frozen=True)
class Workload:
    """A Deployment named web and its Service, in a namespace of a test's own."""

    plane: ControlPlane
    kubelet: Kubelet
    namespace: str

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply objects in the namespace."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.plane.kubectl("apply", "-f", "-", input=text, namespace=self.namespace)

    def deploy(self, replicas: int = 1, *, pod: JsonObject | None = None, **container: Any) -> None:
        """Apply the Deployment.

        Args:
            replicas: how many Pods.
            pod: further fields of the Pod's spec.
            container: further fields of the container.
        """
        self.apply(service(), deployment(pod_spec(pod, **container), replicas))

    def ready(self, replicas: int = 1) -> list[JsonObject]:
        """Wait until so many Pods are ready and no other Pod is there, and return them."""

        def settled() -> bool:
            ready[:] = self.kubelet.ready_pods(self.namespace)
            every = self.plane.api.items("Pod", self.namespace)
            return len(ready) == len(every) == replicas

        ready: list[JsonObject] = []
        self.kubelet.wait_for(settled, DEADLINE, f"{replicas} ready Pods")
        return ready

    def started(self) -> JsonObject:
        """Deploy nothing more, and return the one Pod there is, ready."""
        (pod,) = self.ready()
        return pod

    def endpoints(self) -> set[str]:
        """Return the addresses that the Service sends work to."""
        slices = self.plane.api.items("EndpointSlice", self.namespace)
        return {
            address
            for each in slices
            for endpoint in each["endpoints"] or ()
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        }

    def wait_for_endpoints(self, *pods: JsonObject) -> None:
        """Wait until the Service sends work to these Pods and no others."""
        wanted = {pod["status"]["podIP"] for pod in pods}
        self.kubelet.wait_for(
            lambda: self.endpoints() == wanted, DEADLINE, f"{NAME} to lead to {wanted}"
        )

    def ask(self, pod: JsonObject, path: str = "/") -> Any:
        """Ask the program in a Pod something, at the Pod's address."""
        url = f"http://{pod['status']['podIP']}:8080{path}"
        return urllib3.request("GET", url, timeout=10.0, retries=False).json()

    def again(self, pod: JsonObject) -> JsonObject:
        """Return a Pod as it is now."""
        return self.plane.get("Pod", pod["metadata"]["name"], self.namespace)

    def restarts(self, pod: JsonObject) -> int:
        """Return how often the container of a Pod was restarted, 0 while it is not ready."""
        (state,) = self.again(pod)["status"]["containerStatuses"]
        return state["restartCount"] if state["ready"] else 0


def pod_spec(pod: JsonObject | None = None, **container: Any) -> JsonObject:
    """Return the spec of a Pod that runs the program."""
    probe = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1}
    usual = {
        "name": NAME,
        "image": "registry.example.org/team/program:1.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {**probe, "failureThreshold": 1},
    }
    return {"containers": [{**usual, **container}], **(pod or {})}


def deployment(spec: JsonObject, replicas: int) -> JsonObject:
    """Return a Deployment."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": _LABELS},
            "template": {"metadata": {"labels": _LABELS}, "spec": spec},
        },
    }


def service() -> JsonObject:
    """Return the Service that leads to the Deployment's Pods."""
    port = {"name": "http", "port": 80, "targetPort": "http"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME},
        "spec": {"selector": _LABELS, "ports": [port]},
    }
