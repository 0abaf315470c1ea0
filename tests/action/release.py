"""The chart's release in a cluster, and what an admin does to it."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from tests.chart import helm
from tests.controlplane import ControlPlane
from tests.kubelet.images import REPOSITORY, Image
from tests.kubelet.kubelet import Kubelet
from tests.load import Load, Report

IMAGE = Image(entrypoint=(sys.executable, "-m", "webhook"), user=65532, group=65532)
"""What the Dockerfile makes, out of this repository's own environment."""

DEADLINE = 60.0
"""Seconds after which a test that waits has failed."""

NAME = f"{helm.NAME}-source-ip-webhook"
SHOP = "shop"
"""The namespace that has opted in, and that nobody runs Pods of."""

Json = dict[str, Any]

VALUES: Json = {
    "failurePolicy": "Fail",
    # The defaults are made for nodes that are shared and far away. The overlap is long enough to be
    # looked at, also by a command line that takes a while to start.
    "tls": {"managed": {"propagation": "2s", "overlap": "20s"}},
}


@dataclasses.dataclass
class Release:
    """The installed chart."""

    plane: ControlPlane
    kubelet: Kubelet
    reports: dict[str, Report] = dataclasses.field(default_factory=dict)
    """What each load saw, by what happened."""

    def apply(self, **values: Any) -> None:
        """Install it, or upgrade it, and wait until it works."""
        self._helm("apply", {**VALUES, **values})
        self.rolled_out()
        self.kubelet.wait_for(self.works, DEADLINE, "the webhook to be called")

    def uninstall(self) -> None:
        """Remove it, and wait until its Pods have gone."""
        self._helm("uninstall", {})
        self.kubelet.wait_for(
            lambda: not self.plane.api.items("Pod", helm.NAMESPACE), DEADLINE, "the Pods to end"
        )

    def _helm(self, command: str, values: Json) -> None:
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "tests.chart.release", command, str(self.plane.kubeconfig)],
            input=json.dumps(values),
            cwd=REPOSITORY,
            text=True,
            check=True,
        )

    def kubectl(self, *args: str) -> str:
        """Run kubectl in the release's namespace."""
        return self.plane.kubectl(*args, namespace=helm.NAMESPACE).stdout

    def rolled_out(self) -> None:
        """Wait until the Deployment is as it should be, and no other Pod is left."""

        def settled() -> bool:
            found = self.plane.get("Deployment", NAME, helm.NAMESPACE)
            status, wanted = found["status"], found["spec"]["replicas"]
            return bool(
                status.get("observedGeneration") == found["metadata"]["generation"]
                and status.get("updatedReplicas", 0) == wanted
                and len(self.kubelet.ready_pods(helm.NAMESPACE)) == wanted
                and len(self.plane.api.items("Pod", helm.NAMESPACE)) == wanted
            )

        self.kubelet.wait_for(settled, DEADLINE, "the Deployment to be rolled out")

    def works(self) -> bool:
        """Tell by a dry run whether a Pod would get its setting now."""
        pod: Json = {
            "metadata": {"name": "probe"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        path = f"/api/v1/namespaces/{SHOP}/pods?dryRun=All"
        answer = self.plane.request("POST", path, {"apiVersion": "v1", "kind": "Pod", **pod})
        return answer.status == HTTPStatus.CREATED and "TPROXY" in answer.data.decode()

    def pod_names(self) -> list[str]:
        """Name the Pods that are ready."""
        return [pod["metadata"]["name"] for pod in self.kubelet.ready_pods(helm.NAMESPACE)]

    def certificates(self, *args: str) -> str:
        """Run ``source-ip-webhook certificates`` as a cluster admin; return what it prints."""
        where = ("--tls-namespace", helm.NAMESPACE, "--tls-secret", f"{NAME}-tls")
        return subprocess.run(  # noqa: S603
            [*IMAGE.entrypoint, "certificates", *args, *where],
            env={**os.environ, "KUBECONFIG": str(self.plane.kubeconfig)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def configuration(self) -> Json:
        """Read the MutatingWebhookConfiguration."""
        text = self.kubectl("get", "mutatingwebhookconfiguration", "0-source-ip-webhook", "-ojson")
        found: Json = json.loads(text)
        return found

    @contextlib.contextmanager
    def under_load(self, what: str) -> Iterator[Load]:
        """Create 50 Pods a second beside the context, and until 50 in a row have succeeded.

        Args:
            what: Happens meanwhile; names the report.
        """
        with Load(self.plane.api, SHOP) as load:
            before = len(load.samples)
            self.kubelet.wait_for(lambda: len(load.samples) > before + 25, DEADLINE, "load")
            yield load
            done = len(load.samples)

            def recovered() -> bool:
                newest = load.samples[done:][-50:]
                return len(newest) == 50 and not any(each.failed for each in newest)

            self.kubelet.wait_for(recovered, DEADLINE, "creations to succeed")
        self.reports[what] = load.report()
