"""Beyond the guide: other workloads, other callers, and what has to go on working under TPROXY."""

import re
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from typing import ClassVar

from tests.lab import scene
from tests.lab.addresses import LOOPBACK, NODE, SIDECAR
from tests.lab.case import Check, Seen
from tests.lab.lab import MANIFESTS, READY_SECONDS, Lab, origin

NAMESPACE = "workloads"

_SELF = f"Pod {NAMESPACE}/state"
_LEGACY = f"Pod {scene.LEGACY}/sleep"
_EXEC = f"kubectl -n {NAMESPACE} exec state-0 -c httpbin -- curl"
_FORWARDED = re.compile(r"Forwarding from (127\.0\.0\.1:\d+)")


class Workloads:
    """A StatefulSet with probes of three kinds, and a Job."""

    name: ClassVar = "workloads"
    title: ClassVar = "Other workloads and callers"
    change: ClassVar = (
        f"kubectl label namespace {NAMESPACE} source-ip-preservation=enabled; "
        f"kubectl -n {NAMESPACE} rollout restart statefulset/state"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "statefulset",
            "a StatefulSet's Pod, called from the mesh",
            f"kubectl exec deploy/sleep -- curl http://state.{NAMESPACE}:8000/ip",
            SIDECAR,
            "Pod sleep",
        ),
        Check(
            "job",
            "the same, called by a Job, which then completes",
            f"kubectl -n {NAMESPACE} logs job/job",
            SIDECAR,
            f"Pod {NAMESPACE}/job",
        ),
        Check(
            "no sidecar",
            "called by a Pod without sidecar",
            f"kubectl -n legacy exec deploy/sleep -- curl http://state.{NAMESPACE}:8000/ip",
            SIDECAR,
            _LEGACY,
        ),
        Check(
            "no sidecar, by address",
            "the same, at the Pod's own address",
            "kubectl -n legacy exec deploy/sleep -- curl http://$POD_IP:8000/ip",
            SIDECAR,
            _LEGACY,
        ),
        Check("node", "called by the node", "curl http://$POD_IP:8000/ip", SIDECAR, NODE),
        Check(
            "itself, by Service",
            "it calls itself by its Service",
            f"{_EXEC} http://state:8000/ip",
            SIDECAR,
            _SELF,
        ),
        Check(
            "itself, by address",
            "it calls itself at its own address",
            f"{_EXEC} http://$POD_IP:8000/ip",
            _SELF,
            _SELF,
        ),
        Check(
            "itself, by localhost",
            "it calls itself at localhost",
            f"{_EXEC} http://localhost:8000/ip",
            LOOPBACK,
            LOOPBACK,
        ),
        Check(
            "outbound",
            "it calls an application without sidecar",
            f"{_EXEC} http://httpbin.legacy:8000/ip",
            _SELF,
            _SELF,
        ),
        Check(
            "port-forward",
            "called through kubectl port-forward",
            f"kubectl -n {NAMESPACE} port-forward state-0 8000",
            LOOPBACK,
            LOOPBACK,
        ),
        Check(
            "probes",
            "its HTTP, TCP and exec probes",
            f"kubectl -n {NAMESPACE} get pod state-0",
            "Ready",
            "Ready",
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Apply the StatefulSet."""
        lab.make_namespace(NAMESPACE)
        lab.apply(MANIFESTS / "workloads.yaml", NAMESPACE)
        lab.wait_until_running(NAMESPACE, "statefulset/state")

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call the StatefulSet's Pod from everywhere."""
        service = f"http://state.{NAMESPACE}:8000/ip"
        pod = lab.pod(NAMESPACE, "state")
        direct = f"http://{pod['status']['podIP']}:8000/ip"
        scene.wait_until_known(lab, service)
        yield "statefulset", origin(lab.curl(service))
        yield "job", origin(run_job(lab))
        yield "no sidecar", origin(lab.curl(service, namespace=scene.LEGACY))
        yield "no sidecar, by address", origin(lab.curl(direct, namespace=scene.LEGACY))
        node = next(n for n in lab.cluster.nodes if n.name == pod["spec"]["nodeName"])
        yield "node", origin(lab.curl_from(node, direct))
        for key, url in (
            ("itself, by Service", "http://state:8000/ip"),
            ("itself, by address", direct),
            ("itself, by localhost", "http://localhost:8000/ip"),
            ("outbound", f"http://httpbin.{scene.LEGACY}:8000/ip"),
        ):
            yield key, origin(lab.curl(url, namespace=NAMESPACE, source="state-0"))
        yield "port-forward", origin(forwarded(lab, "state-0"))
        conditions = lab.pod(NAMESPACE, "state")["status"]["conditions"]
        ready = any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
        yield "probes", "Ready" if ready else "not ready"

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have the Pod made anew."""
        lab.kubectl("delete", "job", "job", namespace=NAMESPACE)
        lab.opt_in(NAMESPACE)
        lab.restart(NAMESPACE, "statefulset/state")


def run_job(lab: Lab) -> str:
    """Run the Job to its end, its sidecar included, and return what it printed."""
    lab.apply(MANIFESTS / "job.yaml", NAMESPACE)
    completed = ("--for=condition=complete", f"--timeout={READY_SECONDS}s")
    lab.kubectl("wait", "job/job", *completed, namespace=NAMESPACE)
    return lab.kubectl("logs", "job/job", "-c", "curl", namespace=NAMESPACE).stdout


def forwarded(lab: Lab, pod: str) -> str:
    """Call a Pod through ``kubectl port-forward``."""
    command = lab.kubectl_command("port-forward", pod, ":8000", namespace=NAMESPACE)
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as forwarding:
        # A port that nobody forwards prints nothing: then the end of the process does.
        deadline = threading.Timer(15, forwarding.kill)
        deadline.start()
        try:
            assert forwarding.stdout is not None
            line = forwarding.stdout.readline()
            told = _FORWARDED.search(line)
            if told is None:
                return line.strip() or "no port-forward"
            with urllib.request.urlopen(f"http://{told[1]}/ip", timeout=10) as answer:
                assert answer.status == HTTPStatus.OK
                return str(answer.read().decode())
        finally:
            deadline.cancel()
            forwarding.terminate()
