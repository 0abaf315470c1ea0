"""An admin of a mesh: makes namespaces and workloads there, asks for reports, types the cures."""

import dataclasses
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from jsonschema.validators import Draft202012Validator

from tests.cluster import Cluster
from tests.cluster.user import Answer, User
from tests.waiting import wait_for
from webhook.labels import NAMESPACE_INJECTION

T = TypeVar("T")
Json = dict[str, Any]

KEY = "source-ip-preservation"
DEADLINE = 90.0
"""Seconds after which a test that waits has failed."""
_SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
_ROLLOUT_SECONDS = 180
PAUSE = "localhost/pause:1"

SCHEMAS = {
    name: Draft202012Validator(json.loads((_SCHEMAS / f"{name}.json").read_text()))
    for name in ("audit", "doctor")
}
"""The published schemas of reports."""

Found = dict[tuple[str, str], Json]
"""Findings and notes by the title of their owner, as ``Deployment/sleep``, and their reason."""


@dataclasses.dataclass
class Admin:
    """An admin, with the cluster and a terminal.

    Attributes:
        cluster: Mesh and chart are installed in it.
        user: The terminal.
    """

    cluster: Cluster
    user: User
    _numbers: "itertools.count[int]" = dataclasses.field(default_factory=itertools.count)

    def namespace(self, name: str = "", *, injected: bool = True, opted: str = "") -> str:
        """Make a namespace.

        Args:
            name: Its name; empty: any that nobody has.
            injected: Whether Istio injects there.
            opted: Value of our label; empty: none.
        """
        name = name or f"ns-{next(self._numbers)}"
        labels = {}
        if injected:
            labels[NAMESPACE_INJECTION] = "enabled"
        if opted:
            labels[KEY] = opted
        self.create({"kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        return name

    def opt_in(self, namespace: str, halves: str = "enabled") -> None:
        """Set our label."""
        self.kubectl("label", "namespace", namespace, f"{KEY}={halves}", "--overwrite")

    def create(self, *objects: Json, namespace: str = "default") -> None:
        """Create objects as ``kubectl create`` does, which leaves no trace of what was written."""
        listed = [{"apiVersion": "v1", **each} for each in objects]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed})
        self.cluster.kubectl("create", "-f", "-", namespace=namespace, input=text)

    def apply(self, *objects: Json, namespace: str) -> None:
        """Apply objects, which leaves the manifest in an annotation."""
        listed = [{"apiVersion": "v1", **each} for each in objects]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed})
        self.cluster.kubectl("apply", "-f", "-", namespace=namespace, input=text)

    def kubectl(self, *arguments: str, namespace: str = "default") -> str:
        """Run kubectl, and return what it prints."""
        return self.cluster.kubectl(*arguments, namespace=namespace).stdout

    def rolled_out(self, workload: str, namespace: str) -> None:
        """Wait until a workload is rolled out, such as ``deployment/app``."""
        self.cluster.kubectl(
            *("rollout", "status", workload, f"--timeout={_ROLLOUT_SECONDS}s"),
            namespace=namespace,
            timeout_seconds=_ROLLOUT_SECONDS + 10,  # kubectl's own words come first
        )

    def pods(self, namespace: str, **labels: str) -> list[Json]:
        """List the Pods of a namespace that have labels."""
        return [
            pod
            for pod in self.cluster.api.items("Pod", namespace)
            if labels.items() <= pod["metadata"].get("labels", {}).items()
        ]

    def ready_endpoints(self, namespace: str) -> int:
        """Tell how many ready endpoints each Service of a namespace with a selector has at least.

        They come a moment after a Deployment says that its Pods are ready.
        """
        ready: Counter[str] = Counter()
        for each in self.cluster.api.items("EndpointSlice", namespace):
            service = each["metadata"]["labels"]["kubernetes.io/service-name"]
            endpoints = each.get("endpoints") or ()
            ready[service] += sum(bool(one["conditions"].get("ready")) for one in endpoints)
        services = self.cluster.api.items("Service", namespace)
        return min(
            ready[each["metadata"]["name"]] for each in services if each["spec"].get("selector")
        )

    def wait_for(
        self,
        condition: Callable[[], T | None],
        what: str,
        *,
        seconds: float = DEADLINE,
        interval_seconds: float = 0.2,
    ) -> T:
        """Wait for a condition, and show the Pods where that was in vain.

        Args:
            condition: Asked at least once.
            what: Is awaited.
            seconds: How long to keep asking; longer where the questions themselves take long.
            interval_seconds: Pause between two questions; longer where a question takes the CPU
                from what is awaited.

        Raises:
            TimeoutError: It did not come true in time.
        """
        try:
            return wait_for(condition, seconds, what, interval_seconds=interval_seconds)
        except TimeoutError as error:
            error.add_note(self.kubectl("get", "pods", "--all-namespaces", "--output=wide"))
            raise

    def pass_a_second(self) -> None:
        """Wait until the clock shows another second: objects tell their age no closer than that."""
        now = int(time.time())
        self.wait_for(lambda: int(time.time()) > now, "another second")

    def audit(self, *arguments: str) -> Answer:
        """Run ``audit -o json``, and hold its report to the published schema."""
        return self._report("audit", *arguments)

    def doctor(self, *arguments: str) -> Answer:
        """Run ``doctor -o json``, likewise."""
        return self._report("doctor", *arguments)

    def _report(self, command: str, *arguments: str) -> Answer:
        answer = self.user.run(command, *arguments, "--output=json")
        assert answer.stdout, answer.text
        SCHEMAS[command].validate(answer.report)
        return answer


def found(answer: Answer, namespace: str) -> Found:
    """Return what an audit found in a namespace."""
    return {
        (f"{each['owner']['kind']}/{each['owner']['name']}", each["reason"]): each
        for each in answer.report["findings"]
        if each["namespace"] == namespace
    }


def workload(
    name: str = "app",
    kind: str = "Deployment",
    *,
    runs: bool = False,
    replicas: int = 1,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> Json:
    """Write a workload.

    Args:
        name: Its name, and the label ``app`` of its Pod.
        kind: ``Deployment``, ``StatefulSet`` or ``DaemonSet``.
        runs: Whether its Pod runs; otherwise no node is good enough for it, and all that admission
            does to it has happened all the same.
        replicas: How many Pods; two are kept on two nodes.
        labels: Further ones of its Pod.
        annotations: Those of its Pod.
        spec: More of the Pod's.
    """
    pod: Json = {
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "app", "image": PAUSE, "imagePullPolicy": "IfNotPresent"}],
        **({} if runs else {"nodeSelector": {"nowhere": "true"}}),
        **spec,
    }
    if replicas > 1:
        constraint = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": name}},
        }
        pod["topologySpreadConstraints"] = [constraint]
    of_kind: Json = {}
    if kind == "Deployment":
        # The old Pod goes before the new one comes, which may never become ready.
        of_kind = {"strategy": {"type": "Recreate"}, "replicas": replicas}
    elif kind == "StatefulSet":
        of_kind = {"serviceName": name}
    metadata = {"labels": {"app": name, **(labels or {})}, "annotations": annotations or {}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": metadata, "spec": pod},
            **of_kind,
        },
    }


def load_balancer(name: str = "edge", policy: str = "", **spec: Any) -> Json:
    """Write a Service of type LoadBalancer.

    Args:
        name: Its name, and the label ``app`` of its Pods.
        policy: Its ``externalTrafficPolicy``; empty: not written.
        spec: More of its ``spec``.
    """
    written = {"externalTrafficPolicy": policy} if policy else {}
    return {
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": name},
            "ports": [{"name": "http", "port": 80}],
            **written,
            **spec,
        },
    }
