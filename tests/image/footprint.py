"""How much ``serve`` takes in a cluster with thousands of namespaces: a container of the image.

It runs as the chart runs it, with certificates of its own making, beside a real API server, and
finds address and credentials where kubelet puts them. The container has a cgroup of its own, of
which kubelet would take the working set.

Source:
    Kubernetes, Metrics For Kubernetes System Components, ``container_memory_working_set_bytes``;
    google/cadvisor container/libcontainer/handler.go, setMemoryStats; proc_pid_smaps(5).
"""

import base64
import contextlib
import dataclasses
import http.client
import json
import os
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.cluster import cgroups
from tests.controlplane import ControlPlane, JsonObject
from tests.controlplane.ports import LOOPBACK
from tests.image.containers import DEADLINE, Containers
from tests.reviews import recorded
from tests.waiting import wait_for

NAMESPACES: Final = 5000
"""Namespaces in the cluster, a third of which opts in."""
REGISTRATION: Final = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingWebhookConfiguration",
    "metadata": {"name": "0-source-ip-webhook"},
    "webhooks": [
        {
            "name": "pods.source-ip-webhook.example.org",
            "clientConfig": {"service": {"name": "source-ip-webhook", "namespace": "default"}},
            "rules": [],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
    ],
}
"""Publishes the authority, and sends nothing."""
_CREDENTIALS: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_WRITERS: Final = 8
_CONNECTIONS: Final = 16
_MIB: Final = 2**20
_LOOK: Final = 0.005
"""Seconds between two looks whether it is ready."""


@dataclasses.dataclass(frozen=True, slots=True)
class Footprint:
    """What a replica takes; memory in MiB."""

    ready_seconds: float
    """From the start of its process until it was ready."""
    ready_cpu_seconds: float
    """Of processor time until then, which does not depend on what else runs."""
    working_set: float
    """Of the container, as kubelet counts it: what eviction and ``kubectl top`` go by."""
    rss: float
    """All pages of the process that are in memory, those of shared libraries too."""
    pss: float
    """The same, but of a page that others have mapped as well its share only."""
    anonymous: float
    """Pages of the process that stand for no file, and so are its own."""


@contextlib.contextmanager
def crowded(folder: Path, count: int = NAMESPACES) -> Iterator[ControlPlane]:
    """Run an API server that has many namespaces, and our registration.

    Args:
        folder: For its files.
        count: Namespaces.
    """
    policy = folder / "audit.json"
    silent = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "None"}]}
    policy.write_text(json.dumps(silent))
    flag = f"--audit-policy-file={policy}"
    with ControlPlane(folder / "plane", controllers=False, apiserver_args=[flag]) as plane:
        plane.kubectl("create", "-f", "-", input=json.dumps(REGISTRATION))

        def create(number: int) -> None:
            plane.api.json("POST", "/api/v1/namespaces", namespace(number))

        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(create, range(count)))
        yield plane


def namespace(number: int) -> JsonObject:
    """Make a namespace with the labels and annotations that Helm, Istio and kubectl leave."""
    labels = {
        "app.kubernetes.io/instance": f"shop-{number}",
        "app.kubernetes.io/managed-by": "Helm",
        "istio-injection": "enabled",
        "pod-security.kubernetes.io/enforce": "privileged",
        "pod-security.kubernetes.io/warn": "baseline",
        "team": f"team-{number % 200}",
        **({} if number % 3 else {"source-ip-preservation": "enabled"}),
    }
    metadata = {"name": f"team-{number % 200}-shop-{number}", "labels": labels}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(manifest)}
    return {**manifest, "metadata": {**metadata, "annotations": applied}}


class Replica:
    """A container of ``serve`` that is ready.

    Attributes:
        pid: Of its process.
        ready_seconds: From the start of its process until it was ready.
        ready_cpu_seconds: Of processor time until then.
    """

    def __init__(self, pid: int, cgroup: str, port: int, ops_port: int) -> None:
        """Wait until it is ready.

        Args:
            pid: Of its process.
            cgroup: Name of the cgroups that it is in.
            port: Where it answers reviews.
            ops_port: Where it tells of its health.
        """
        self.pid = pid
        self._cgroup = cgroup
        self._port = port
        wait_for(lambda: _ready(ops_port), DEADLINE, "readiness", interval_seconds=_LOOK)
        now, ticks = time.clock_gettime(time.CLOCK_BOOTTIME), os.sysconf("SC_CLK_TCK")
        user, system, started = _times(pid)
        self.ready_seconds = now - started / ticks
        self.ready_cpu_seconds = (user + system) / ticks

    def answer(self, reviews: int) -> None:
        """Have it answer reviews of a Pod, over some connections at the same time."""
        content = json.loads(recorded("pod_create_generateName.json"))
        content["request"]["namespace"] = namespace(0)["metadata"]["name"]
        body = json.dumps(content).encode()
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            list(pool.map(self._send, [body] * _CONNECTIONS, [reviews // _CONNECTIONS] * 16))

    def _send(self, body: bytes, times: int) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(LOOPBACK, self._port, context=context)
        with contextlib.closing(connection):
            for _ in range(times):
                connection.request("POST", "/mutate", body, {"Content-Type": "application/json"})
                response = json.loads(connection.getresponse().read())["response"]
                assert b"TPROXY" in base64.b64decode(response["patch"])

    def footprint(self) -> Footprint:
        """Tell what it takes now."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii")
        fields = {line.split()[0]: int(line.split()[1]) / 1024 for line in rollup.splitlines()[1:]}
        return Footprint(
            ready_seconds=self.ready_seconds,
            ready_cpu_seconds=self.ready_cpu_seconds,
            working_set=_working_set(self._cgroup),
            rss=fields["Rss:"],
            pss=fields["Pss:"],
            anonymous=fields["Anonymous:"],
        )


@contextlib.contextmanager
def replica(
    containers: Containers, plane: ControlPlane, folder: Path, *variables: str
) -> Iterator[Replica]:
    """Run a container of ``serve`` while the context lasts.

    Args:
        containers: Of the image.
        plane: Its API server.
        folder: For its log and its credentials; a new one.
        variables: Of its environment, each as ``NAME=value``.
    """
    folder.mkdir(parents=True)
    for name, content in {"token": plane.admin_token, "namespace": "default"}.items():
        (folder / name).write_text(content)
    (folder / "ca.crt").write_bytes(plane.ca_file.read_bytes())
    host, _, port = plane.server.removeprefix("https://").partition(":")
    address = (f"KUBERNETES_SERVICE_HOST={host}", f"KUBERNETES_SERVICE_PORT={port}")
    cgroup = f"{cgroups.name_for(os.getpid())}-footprint"
    cgroups.make(cgroup, [])
    try:
        with containers.serving(
            folder / "log",
            *("--tls-managed", "--tls-host=localhost", "--tls-propagation=1s"),
            options=(
                f"--cgroup=/{cgroup}/serve",
                f"--mount=type=bind,src={folder},dst={_CREDENTIALS},options=rbind:ro",
                *(f"--env={variable}" for variable in (*address, *variables)),
            ),
        ) as (_, event):
            (pid,) = cgroups.processes(cgroup, "serve")
            yield Replica(pid, f"{cgroup}/serve", event["port"], event["ops_port"])
    finally:
        cgroups.remove(cgroup)


def _ready(ops_port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, ops_port)
    with contextlib.closing(connection):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK


def _times(pid: int) -> tuple[int, int, int]:
    """Read what a process has used, by itself and in the kernel, and when it was started, in ticks.

    Source:
        proc_pid_stat(5), fields 14, 15 and 22.
    """
    behind_the_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    fields = behind_the_name.split()
    return int(fields[11]), int(fields[12]), int(fields[19])


def _working_set(cgroup: str) -> float:
    """Read the working set of a cgroup, of version 1 or 2 of the interface, in MiB."""
    first, second = Path("/sys/fs/cgroup/memory", cgroup), Path("/sys/fs/cgroup", cgroup)
    folder, usage, inactive = (
        (second, "memory.current", "inactive_file")
        if (second / "memory.current").exists()
        else (first, "memory.usage_in_bytes", "total_inactive_file")
    )
    stat = dict(map(str.split, (folder / "memory.stat").read_text().splitlines()))
    return (int((folder / usage).read_text()) - int(stat[inactive])) / _MIB
