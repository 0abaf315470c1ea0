"""Cluster: two nodes, their control plane and a client outside, as long as a test needs them."""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cluster import addresses, cgroups, network, parts, place, processes
from tests.controlplane import components, kubectl
from tests.controlplane.api import ApiClient
from tests.controlplane.ports import listen
from tests.controlplane.process import run_to_end
from tests.helm3 import binary as helm3
from tests.images import names, prepare
from tests.istio import binary as istio
from tests.waiting import wait_for

_REPOSITORY = Path(__file__).resolve().parents[2]
_STOP_SECONDS = 60.0

Json = dict[str, Any]


class ClusterError(Exception):
    """A cluster did not come up, or could not do what it was asked for; the message says why."""


class Place:
    """A machine of the cluster's network, for commands that are run there.

    Attributes:
        name: such as n1; of the client outside, "outside".
        address: its IPv4 address.
    """

    def __init__(self, cluster: "Cluster", name: str, address: str) -> None:
        """Describe it."""
        self.name = name
        self.address = address
        self._cluster = cluster

    def run(
        self, *command: str, check: bool = True, timeout_seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of this machine in that network.

        Args:
            command: program and arguments.
            check: whether a code other than 0 is an error.
            timeout_seconds: how long it may take.

        Raises:
            subprocess.CalledProcessError: it failed.
            subprocess.TimeoutExpired: it did not end in time.
        """
        return subprocess.run(  # noqa: S603 - no shell, and the caller is a test
            self.command(*command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=check,
        )

    def command(self, *command: str) -> list[str]:
        """Return the command line that runs a program there, for what shall go on meanwhile."""
        return self._cluster.inside(self.name, *command)


class Node(Place):
    """A node. What runs on it is asked with kubectl."""

    def power_off(self) -> None:
        """Lose it, as when the power fails: nothing is told to anybody.

        Raises:
            ClusterError: that failed.
        """
        self._cluster.ask("power off", node=self.name)

    def power_on(self) -> None:
        """Start it again with what its disk has; wait for effects.

        Raises:
            ClusterError: containerd did not come up.
        """
        self._cluster.ask("power on", node=self.name)


class Cluster:
    """A real cluster, from `start` to `stop` or in a `with` block.

    It is made of processes in namespaces of their own and ends with the process that started it,
    however that ends. Only its API server can be reached from the machine, on loopback.

    Attributes:
        folder: where its files are; of each node there is one below it.
        api: HTTP access as a cluster admin, whose `request`, `get` and `find` are here too.
        kubeconfig: path of that admin's kubeconfig, for any program of this machine.
        nodes: the nodes, n1 and n2.
        outside: a client that is no part of the cluster but can reach its nodes.
    """

    def __init__(
        self, folder: Path, *, images: Collection[str] = (), dual_stack: bool = False
    ) -> None:
        """Describe a cluster; nothing runs yet.

        Args:
            folder: where its files go, the logs included; made if need be.
            images: names of the images that Pods will run; see `tests.images.names`. Those that the
                cluster itself needs come without being asked for.
            dual_stack: whether nodes and Pods have IPv6 addresses too, and Services may have them.

        Raises:
            parts.PartMissingError: this machine cannot run a cluster; the message says what to do.
        """
        self.folder = folder.resolve()
        parts.check(self.folder)
        self._images = {names.PAUSE, names.COREDNS, *images}
        self._stacks = place.DUAL_STACK if dual_stack else "IPv4"
        self._keeper: subprocess.Popen[str] | None = None
        self.kubeconfig = self.folder / "kubeconfig"
        self.nodes = [Node(self, name, address) for name, address in addresses.NODES.items()]
        self.outside = Place(self, network.OUTSIDE, addresses.OUTSIDE)

    def __enter__(self) -> Self:
        """Start; see `start`."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; see `stop`."""
        self.stop()

    def start(self) -> None:
        """Build the images that are missing, start, and wait until nodes and CoreDNS are ready.

        Raises:
            ClusterError: it did not come up.
            ComponentMissingError: a binary is missing; the message says what to do.
        """
        images = prepare(sorted(self._images))
        self.folder.mkdir(parents=True, exist_ok=True)
        with listen() as listener, (self.folder / "cluster.log").open("ab") as log:
            listening = str(listener.fileno())
            # A session of its own: what it keeps does not end at the terminal's Ctrl-C but when we
            # close its standard input, and so also when we are killed.
            self._keeper = subprocess.Popen(  # noqa: S603
                [*_KEEPER, str(self.folder), str(images), listening, self._stacks],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[listener.fileno()],
                cwd=_REPOSITORY,
                start_new_session=True,
                text=True,
            )
            port = listener.getsockname()[1]
        try:
            token = self._answer()["ready"]
        except BaseException:
            self.stop()
            raise
        ca = self.folder / "controlplane" / "certificates" / "apiserver.crt"
        self.api = ApiClient(f"https://localhost:{port}", ca, token)
        self.request, self.get, self.find = self.api.request, self.api.get, self.api.find

    def stop(self) -> None:
        """End all of it and leave nothing but the files; fine if it does not run.

        Raises:
            ClusterError: something is left; see the end of cluster.log.
        """
        if self._keeper is None:
            return
        keeper, self._keeper = self._keeper, None
        if hasattr(self, "api"):
            self.api.close()
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        keeper.stdout.close()
        keeper.stdin.close()
        try:
            code = keeper.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        if code != 0:
            raise ClusterError(f"something of the cluster is left: see {self.folder}/cluster.log")

    def is_running(self) -> bool:
        """Tell whether it has been started and has not ended."""
        return self._keeper is not None and self._keeper.poll() is None

    def ask(self, what: str, **arguments: str) -> None:
        """Have something done inside; `tests.cluster.place` knows what there is.

        Raises:
            ClusterError: it failed.
        """
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(json.dumps({"what": what, **arguments}) + "\n")
        self._keeper.stdin.flush()
        self._answer()

    def stop_apiserver(self) -> None:
        """Stop kube-apiserver only; fine if it does not run."""
        self.ask("stop apiserver")

    def start_apiserver(self) -> None:
        """Start kube-apiserver again and wait until it is ready; wait for effects on others."""
        self.ask("start apiserver")

    def kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        namespace: str | None = None,
        check: bool = True,
        timeout_seconds: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the admin; arguments and errors are those of `ControlPlane.kubectl`."""
        return kubectl.run(
            components.find("kubectl"),
            args if namespace is None else (f"--namespace={namespace}", *args),
            environment=self._environment(),
            stdin=input,
            timeout_seconds=timeout_seconds,
            check=check,
        )

    def helm(self, *args: str, timeout_seconds: float = 180.0) -> str:
        """Run Helm as the admin and return what it prints.

        Raises:
            ComponentMissingError: it has not been built; the message says what to do.
            subprocess.CalledProcessError: it failed; a note has what it wrote to standard error.
        """
        command = [*helm3.command(), *args]
        return run_to_end(command, self._environment(), timeout_seconds).stdout

    def istioctl(self, *args: str, timeout_seconds: float = 180.0) -> str:
        """Run istioctl as the admin and return what it prints; errors as of `helm`."""
        command = [*istio.command("istioctl"), *args]
        return run_to_end(command, self._environment(), timeout_seconds).stdout

    def processes(self, pod: Json, container: str) -> list[int]:
        """Return the processes of a container, as this machine numbers them.

        Args:
            pod: as the API server has it.
            container: name of one that runs.
        """
        status = next(s for s in pod["status"]["containerStatuses"] if s["name"] == container)
        identity = status["containerID"].partition("://")[2]
        assert self._keeper is not None
        return cgroups.processes(
            cgroups.name_for(self._keeper.pid), pod["spec"]["nodeName"], identity
        )

    def inside(self, namespace: str, *command: str) -> list[str]:
        """Return the command line that runs a program of this machine in one of the networks."""
        assert self._keeper is not None
        (unshare,) = processes.children(self._keeper.pid)
        (first,) = processes.children(unshare)
        return ["nsenter", f"--net=/proc/{first}/root/run/netns/{namespace}", *command]

    wait_for = staticmethod(wait_for)

    def _environment(self) -> dict[str, str]:
        """Nothing else of the user's environment: no proxy, no kubeconfig, no home."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.kubeconfig),
        }

    def _answer(self) -> Json:
        assert self._keeper is not None
        assert self._keeper.stdout is not None
        line = self._keeper.stdout.readline()
        if not line:
            log = self.folder / "cluster.log"
            raise ClusterError(f"the cluster has ended; the end of {log}:\n{_end_of(log)}")
        answer: Json = json.loads(line)
        if "error" in answer:
            raise ClusterError(answer["error"])
        return answer


_KEEPER = (sys.executable, "-m", "tests.cluster.keeper")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
