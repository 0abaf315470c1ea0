"""The private place of a cluster: what runs in it as its first process, and what it is asked to do.

``python -m tests.cluster.place ...`` is process 1 of a PID namespace that `tests.cluster.keeper`
makes. When it ends the kernel ends all others there, and with the last one goes all that was
mounted, and every network.
"""

import contextlib
import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import kubeconfig
from tests.cluster import addresses, dns, forwarding, network
from tests.cluster.node import Node
from tests.controlplane import ControlPlane, components
from tests.controlplane.process import Child, run_to_end
from tests.waiting import wait_for

DUAL_STACK = "dual-stack"
"""What the last argument of this process is where IPv6 is wanted too."""

_READY_SECONDS = 120.0

Json = dict[str, Any]


def main() -> None:
    """Be process 1: start a child that does the work, and bury every orphan until it ends."""
    folder, images, cgroup, listener, stacks = sys.argv[1:]
    worker = os.fork()
    if worker == 0:
        wanted = _Wanted(Path(folder), Path(images), cgroup, stacks == DUAL_STACK)
        serve(wanted, socket.socket(fileno=int(listener)))
        os._exit(0)
    while os.wait()[0] != worker:
        pass


@dataclass(frozen=True)
class _Wanted:
    """What is wanted of a cluster.

    Attributes:
        folder: for all that is written.
        images: a root of containerd's that has the images of the Pods.
        cgroup: the cluster's.
        dual_stack: whether it has IPv6 besides IPv4.
    """

    folder: Path
    images: Path
    cgroup: str
    dual_stack: bool


def serve(wanted: _Wanted, listener: socket.socket) -> None:
    """Start a cluster, say that it is ready, and do what each line of standard input asks for.

    Returns when standard input ends.

    Args:
        wanted: the cluster.
        listener: listens on loopback, in the machine's network namespace.
    """
    try:
        _make_mounts()
        network.make(dual_stack=wanted.dual_stack)
        cluster = _Started(wanted, listener)
    except Exception as error:  # noqa: BLE001 - whoever waits is told
        _say({"error": _described(error)})
        return
    _say({"ready": cluster.token})
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            cluster.do(**asked)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            _say({"error": _described(error)})
        else:
            _say({"done": asked})


class _Started:
    """A cluster that runs."""

    def __init__(self, wanted: _Wanted, listener: socket.socket) -> None:
        folder = wanted.folder
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
        }
        services = addresses.SERVICES
        if wanted.dual_stack:
            services += f",{addresses.SERVICES6}"
        self._plane = ControlPlane(
            folder / "controlplane",
            address=addresses.CONTROL_PLANE,
            apiserver_args=(
                # Also for who comes from the machine; then the certificate is for localhost too.
                "--bind-address=0.0.0.0",
                f"--service-cluster-ip-range={services}",
                "--endpoint-reconciler-type=lease",
                "--kubelet-preferred-address-types=InternalIP",
            ),
        )
        self._nodes = {
            name: Node(
                name,
                folder / name,
                self._plane.kubeconfig,
                wanted.cgroup,
                environment,
                dual_stack=wanted.dual_stack,
            )
            for name in addresses.NODES
        }
        with ThreadPoolExecutor() as pool:
            preparing = [pool.submit(node.prepare, wanted.images) for node in self._nodes.values()]
            self._plane.start()
            self._scheduler = Child(
                "kube-scheduler",
                [
                    *components.find("kube-scheduler").command,
                    f"--kubeconfig={self._plane.kubeconfig}",
                    "--leader-elect=false",
                ],
                folder / "kube-scheduler.log",
                environment,
            )
            for each in preparing:
                each.result()
        forwarding.start(listener, self._plane.server)
        for node in self._nodes.values():
            node.join()
        _write_access(self._plane, folder / "kubeconfig", listener)
        dns.install(self._plane)
        self._wait_until_ready()

    @property
    def token(self) -> str:
        """The bearer token of a cluster admin."""
        return self._plane.admin_token

    def do(self, what: str, node: str = "") -> None:
        """Do one thing that is asked for."""
        match what:
            case "stop apiserver":
                self._plane.stop_apiserver()
            case "start apiserver":
                self._plane.start_apiserver()
            case "power off":
                self._nodes[node].power_off()
            case "power on":
                self._nodes[node].power_on()
            case _:
                raise ValueError(f"nobody here knows how to {what}")

    def _wait_until_ready(self) -> None:
        api = self._plane.api

        def all_are_there() -> bool:
            nodes = [is_ready(node) for node in api.items("Node")]
            return (
                len(nodes) == len(self._nodes)
                and all(nodes)
                and dns.answers(api)
                and all(node.routes_services() for node in self._nodes.values())
            )

        wait_for(all_are_there, _READY_SECONDS, "the nodes and CoreDNS")


def is_ready(thing: Json) -> bool:
    """Tell whether a Node or a Pod says that it is ready."""
    conditions = thing.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _make_mounts() -> None:
    """Let nothing that is mounted or written below these folders reach the machine."""
    # What kubelet mounts into a Pod has to be seen by containerd, and by nobody outside.
    run_to_end(["mount", "--make-rshared", "/"], dict(os.environ))
    # Network namespaces; links to the logs of containers; what CNI remembers of each Pod.
    for path in ("/run", "/var/log", "/var/lib"):
        run_to_end(["mount", "-t", "tmpfs", "none", path], dict(os.environ))
    Path("/run/netns").mkdir()


def _write_access(plane: ControlPlane, path: Path, listener: socket.socket) -> None:
    """Write a cluster admin's kubeconfig for the machine's own network."""
    server = f"https://localhost:{listener.getsockname()[1]}"
    kubeconfig.write(
        path, server, {"token": plane.admin_token}, plane.ca_file.read_bytes(), "default"
    )


def _described(error: Exception) -> str:
    notes = "\n".join(getattr(error, "__notes__", []))
    return f"{str(error) or repr(error)}\n{notes}".strip()


def _say(what: Json) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
