"""A control plane with our service registered, for all tests of this folder."""

import dataclasses
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.controlplane.components import EMULATED
from tests.e2e.registration import KEY, NAME, configuration
from tests.e2e.webhook_with_files import WebhookWithFiles
from tests.istio import Istio

ACCOUNT = "source-ip-webhook"

DEADLINE = 60.0
"""Seconds after which a test that waits has failed."""

_RIGHTS = [
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}},
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ACCOUNT},
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]},
            {
                "apiGroups": ["networking.istio.io"],
                "resources": ["sidecars"],
                "verbs": ["list", "watch"],
            },
        ],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ACCOUNT},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": ACCOUNT,
        },
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "default"}],
    },
]

Json = dict[str, Any]


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real control plane; without its binaries the tests are skipped, in CI they fail."""
    with skipped_without_binaries():
        plane = ControlPlane(
            tmp_path_factory.mktemp("controlplane"), emulated_version=os.environ.get(EMULATED)
        )
    with plane:
        yield plane


@pytest.fixture(scope="session")
def service(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebhookWithFiles]:
    """Our service, with the rights of its ServiceAccount and no more, registered as a webhook."""
    control_plane.kubectl("apply", "-f", "-", input="\n---\n".join(map(json.dumps, _RIGHTS)))
    process = WebhookWithFiles(
        tmp_path_factory.mktemp("service"), control_plane.kubeconfig_for(ACCOUNT)
    )
    process.start()
    try:
        register(control_plane, process)
        yield process
    finally:
        process.stop()


def register(plane: ControlPlane, process: WebhookWithFiles) -> None:
    """Register the service, and wait until the API server calls it."""
    body = configuration(f"https://127.0.0.1:{process.port}/mutate", process.ca)
    for webhook in body["webhooks"]:
        webhook["timeoutSeconds"] = 10  # a busy machine must not look like a fault
    plane.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(body))
    probe = make_namespace(plane, f"probe-{process.port}", {KEY: "enabled"})
    pod = bare_pod("probe", probe)
    plane.wait_for(
        lambda: (
            "annotations" in plane.api.json("POST", f"{pods_of(probe)}?dryRun=All", pod)["metadata"]
        ),
        DEADLINE,
        f"{NAME} to be called",
    )


def pods_of(namespace: str) -> str:
    """Path of the Pods of a namespace."""
    return f"/api/v1/namespaces/{namespace}/pods"


def bare_pod(name: str, namespace: str) -> Json:
    """Make the smallest Pod that the API server takes."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": "example.org/c"}]},
    }


def make_namespace(plane: ControlPlane, name: str, labels: dict[str, str]) -> str:
    """Make a namespace, and wait for the ServiceAccount without which no Pod can be made in it."""
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    plane.api.json("POST", "/api/v1/namespaces", body)
    plane.wait_for(
        lambda: plane.find("ServiceAccount", "default", name), DEADLINE, f"ServiceAccount of {name}"
    )
    return name


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The cluster as an admin and a developer meet it."""

    plane: ControlPlane
    service: WebhookWithFiles
    folder: Path
    number: Callable[[], int]

    def namespace(self, mode: str | None = "enabled") -> str:
        """Make a namespace of a name of its own that opts in as told; ``None``: without a label."""
        labels = {} if mode is None else {KEY: mode}
        return make_namespace(self.plane, f"shop-{self.number()}", labels)

    def kubectl(self, *args: str, namespace: str, manifest: str = "") -> tuple[str, str]:
        """Run kubectl; return what it printed and what it warned of."""
        done = self.plane.kubectl(*args, namespace=namespace, input=manifest)
        return done.stdout, done.stderr

    def pods(self, namespace: str, app: str) -> list[Json]:
        """List the Pods that a workload has made so far."""
        return [
            pod
            for pod in self.plane.api.items("Pod", namespace)
            if pod["metadata"].get("labels", {}).get("app") == app
        ]

    def pod_of(self, namespace: str, app: str) -> Json:
        """Wait for the first Pod of a workload."""
        pods = self.plane.wait_for(
            lambda: self.pods(namespace, app), DEADLINE, f"a Pod of {app} in {namespace}"
        )
        return pods[0]

    def audit_annotations(self, namespace: str, resource: str, name: str = "") -> Json:
        """Wait for the audit event of a creation and return what webhooks wrote into it."""

        def find() -> Json | None:
            for event in self.plane.audit_events(namespace):
                reference = event.get("objectRef", {})
                if (
                    event["verb"] in {"create", "patch"}  # server-side apply creates by PATCH
                    and reference.get("namespace") == namespace
                    and reference.get("resource") == resource
                    and name in {"", reference.get("name")}
                ):
                    annotations: Json = event.get("annotations", {})
                    return annotations
            return None

        return self.plane.wait_for(find, DEADLINE, f"audit of {resource} in {namespace}")


@pytest.fixture(scope="session")
def cluster(
    control_plane: ControlPlane, service: WebhookWithFiles, tmp_path_factory: pytest.TempPathFactory
) -> Cluster:
    """The cluster, with our service in it."""
    numbers = itertools.count()
    return Cluster(
        control_plane, service, tmp_path_factory.mktemp("manifests"), lambda: next(numbers)
    )


@pytest.fixture(scope="session")
def istio(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Istio]:
    """Istio with its own defaults, beside our service; without its binary as without the others.

    It injects only where a namespace asks for it, so that it is nothing to the other tests.
    """
    with skipped_without_binaries():
        described = Istio(cluster.plane, tmp_path_factory.mktemp("istio"))
    with described as running:
        yield running
