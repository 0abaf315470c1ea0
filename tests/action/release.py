"""The chart's release in a cluster, and what an admin does to it."""

import base64
import contextlib
import dataclasses
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from certs import bundle
from certs.contents import CA_CERTIFICATE, NEXT_CA_CERTIFICATE
from tests.chart import helm
from tests.chart.thief import CONFIGURATION, SECRET, Thief
from tests.cluster import Cluster
from tests.cluster.place import is_ready
from tests.images import names
from tests.load import Load, Report
from tests.webhook_process import COMMAND

T = TypeVar("T")
Json = dict[str, Any]

DEADLINE = 150.0
"""Seconds after which a test that waits has failed: the node of a Pod may have to start before."""

NAME = f"{helm.NAME}-source-ip-webhook"
CONTAINER = "webhook"
SHOP = "shop"
"""The namespace that has opted in, and in which Pods are only created as if."""

_REPOSITORY, _, _TAG = names.WEBHOOK.rpartition(":")
VALUES: Json = {
    "image": {"repository": _REPOSITORY, "tag": _TAG},
    "failurePolicy": "Fail",
    # The defaults are made for nodes that are shared and far away. The overlap is long enough to be
    # looked at.
    "tls": {"managed": {"propagation": "2s", "overlap": "6s"}},
}
PATIENT: Json = {"timeoutSeconds": 10}
"""Values where it is claimed that no call is lost. A call that nobody will answer fails after ten
seconds as after the chart's two; but one that is answered late, because replicas start, nodes run
and a load is made on the same two cores, is none that is lost. How long calls take is not judged:
it is measured, in docs/reliability.md."""


@dataclasses.dataclass
class Release:
    """The installed chart."""

    cluster: Cluster
    folder: Path
    """For the values of each installation."""
    reports: dict[str, tuple[str, Report]] = dataclasses.field(default_factory=dict)
    """What each load saw, with what happened, by the name of the test."""

    def apply(self, **values: Any) -> None:
        """Install it, or upgrade it, and wait until it works."""
        file = self.folder / "values.json"
        file.write_text(json.dumps({**VALUES, **values}))
        self.helm("upgrade", helm.NAME, str(helm.CHART), "--install", f"--values={file}")
        self.rolled_out()
        self.wait_for(self.works, "the webhook to be called")

    def scale(self, replicas: int) -> None:
        """Ask for so many replicas, and wait until so many are ready; others may still end."""
        self.kubectl("scale", f"deployment/{NAME}", f"--replicas={replicas}")
        self.wait_for(lambda: len(self.ready_pods()) == replicas, "the replicas")

    def uninstall(self) -> None:
        """Remove it, and wait until its Pods have gone."""
        self.helm("uninstall", helm.NAME)
        self.wait_for(lambda: not self.pods(), "the Pods to end")

    def helm(self, *args: str) -> str:
        """Run Helm in the release's namespace."""
        return self.cluster.helm(*args, f"--namespace={helm.NAMESPACE}")

    def kubectl(self, *args: str) -> str:
        """Run kubectl in the release's namespace."""
        return self.cluster.kubectl(*args, namespace=helm.NAMESPACE).stdout

    def pods(self) -> list[Json]:
        """List its Pods, also those that are about to end."""
        return self.cluster.api.items("Pod", helm.NAMESPACE)

    def ready_pods(self) -> list[Json]:
        """List those that are ready, and not about to end."""
        return [pod for pod in self.pods() if is_ready(pod) and not is_ending(pod)]

    def is_ready(self, pod: Json) -> bool:
        """Tell whether a Pod is still among those that are ready."""
        return name_of(pod) in map(name_of, self.ready_pods())

    def processes(self, pod: Json) -> list[int]:
        """Find the processes of a Pod's container, as this machine numbers them."""
        return self.cluster.processes(pod, CONTAINER)

    def container(self, pod: Json) -> Json:
        """Read the status of a Pod's container as it is now."""
        now = self.cluster.get("Pod", name_of(pod), helm.NAMESPACE)
        status: Json
        (status,) = now["status"]["containerStatuses"]
        return status

    def restarted(self, pod: Json) -> bool:
        """Tell whether the container of a Pod runs again, after more ends than the Pod tells of."""
        now, (before,) = self.container(pod), pod["status"]["containerStatuses"]
        return bool(now["restartCount"] > before["restartCount"] and now["ready"])

    def rolled_out(self) -> None:
        """Wait until the Deployment is as it should be; Pods may still be about to end."""

        def settled() -> bool:
            found = self.cluster.get("Deployment", NAME, helm.NAMESPACE)
            status, wanted = found["status"], found["spec"]["replicas"]
            return bool(
                status.get("observedGeneration") == found["metadata"]["generation"]
                and status.get("replicas", 0) == status.get("updatedReplicas", 0) == wanted
                and len(self.ready_pods()) == wanted
            )

        self.wait_for(settled, "the Deployment to be rolled out")

    def works(self) -> bool:
        """Tell by a dry run whether a Pod would get its setting now."""
        pod: Json = {
            "metadata": {"name": "probe"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        path = f"/api/v1/namespaces/{SHOP}/pods?dryRun=All"
        answer = self.cluster.request("POST", path, pod)
        return answer.status == HTTPStatus.CREATED and "TPROXY" in answer.data.decode()

    def certificates(self, *args: str) -> str:
        """Run ``source-ip-webhook certificates`` as a cluster admin; return what it prints."""
        where = ("--tls-namespace", helm.NAMESPACE, "--tls-secret", f"{NAME}-tls")
        return subprocess.run(  # noqa: S603
            [*COMMAND, "certificates", *args, *where],
            env={**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def authorities(self) -> set[str]:
        """Tell which authorities the Secret and the caBundles hold, by their fingerprints.

        Asked at once and not by a command line: what is looked for lasts for seconds.
        """
        held: dict[str, str] = self.cluster.get("Secret", f"{NAME}-tls", helm.NAMESPACE)["data"]
        hooks = self.configuration()["webhooks"]
        pems = (
            *(held.get(key, "") for key in (CA_CERTIFICATE, NEXT_CA_CERTIFICATE)),
            *(hook["clientConfig"].get("caBundle", "") for hook in hooks),
        )
        return {
            bundle.fingerprint(each) for pem in pems for each in bundle.read(base64.b64decode(pem))
        }

    def held_to_its_work(self) -> None:
        """Wait until the chart's policies let the ServiceAccount do no more than its work."""
        for path in (CONFIGURATION, SECRET):
            Thief(self.cluster.api, path).wait_until_refused(DEADLINE)

    def configuration(self) -> Json:
        """Read the MutatingWebhookConfiguration."""
        return self.cluster.api.json("GET", CONFIGURATION)

    def wait_for(
        self, condition: Callable[[], T | None], what: str, seconds: float = DEADLINE
    ) -> T:
        """Wait, and show what the Pods do where that was in vain.

        Raises:
            TimeoutError: The condition did not come true in time.
        """
        try:
            return self.cluster.wait_for(condition, seconds, what)
        except TimeoutError as error:
            error.add_note(self.kubectl("get", "pods,events", "--output=wide"))
            raise

    @contextlib.contextmanager
    def under_load(self, what: str) -> Iterator[Load]:
        """Create 50 Pods a second beside the context, and until all of it is over.

        That is when no Pod is about to end and 50 creations in a row have succeeded.

        Args:
            what: Happens meanwhile, in the words of docs/reliability.md.
        """
        with Load(self.cluster.api, SHOP) as load:
            self.wait_for(lambda: len(load.samples) > 25, "load")
            yield load
            self.wait_for(lambda: not any(map(is_ending, self.pods())), "Pods to end")
            done = len(load.samples)

            def recovered() -> bool:
                newest = load.samples[done:][-50:]
                return len(newest) == 50 and not any(each.failed for each in newest)

            self.wait_for(recovered, "creations to succeed")
        self.reports[running_test()] = what, load.report()

    @property
    def report(self) -> Report:
        """What the load of the running test saw."""
        return self.reports[running_test()][1]

    def lost(self) -> tuple[int, int]:
        """Tell how many creations of the running test failed, and how many lacked the setting."""
        assert self.report.requests > 50
        return self.report.failed, self.report.unpatched


def name_of(thing: Json) -> str:
    """Return the name of an object."""
    name: str = thing["metadata"]["name"]
    return name


def is_ending(pod: Json) -> bool:
    """Tell whether a Pod is about to end."""
    return "deletionTimestamp" in pod["metadata"]


def nodes_of(pods: list[Json]) -> set[str]:
    """Return the names of the nodes that run these Pods."""
    return {pod["spec"]["nodeName"] for pod in pods}


def running_test() -> str:
    """Return the name of the test that runs; pytest keeps it in the environment."""
    return os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].partition(" ")[0]
