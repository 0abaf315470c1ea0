"""A network of its own: a bridge, the node's end of it, and a namespace for each Pod."""

import contextlib
import ipaddress
import os
import shutil
import subprocess
import threading
from types import TracebackType
from typing import Self

from tests.kubelet import ip, syscalls
from tests.kubelet.errors import PrivilegeMissingError
from tests.kubelet.syscalls import Namespace

_RANGE = ipaddress.ip_network("10.244.0.0/16")
_BRIDGE = "cni0"
# Addresses that are no Pod's: the node's end of the bridge, and the names that Nodes go by.
_RESERVED = 256


class PodNetwork:
    """The network namespace of one Pod, as long as the Pod lives.

    Attributes:
        address: its address; every other Pod and the API server can reach it.
        namespace: a file descriptor of it.
    """

    def __init__(self, number: int) -> None:
        """Make it and plug it into the bridge; the caller is in the network of the cluster."""
        self.address = str(_RANGE[_RESERVED + number])
        self._link = f"veth{number}"
        self.namespace = ip.new_namespace()
        try:
            self._plug_in()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Take it away; what still runs inside can reach nobody any more."""
        with contextlib.suppress(subprocess.CalledProcessError):  # gone if a process took it along
            ip.run(f"link delete {self._link}")
        os.close(self.namespace)

    def _plug_in(self) -> None:
        inside = f"/proc/{os.getpid()}/fd/{self.namespace}"
        ip.run(
            f"link add {self._link} type veth peer name eth0 netns {inside}",
            f"link set {self._link} master {_BRIDGE} up",
        )
        ip.run_in(
            self.namespace,
            "link set lo up",
            f"address add {self.address}/{_RANGE.prefixlen} dev eth0",
            "link set eth0 up",
            f"route add default via {_RANGE[1]}",
        )


class ClusterNetwork:
    """The network of a cluster, which the calling thread is in for the length of a `with` block.

    So are threads and processes that are started in the block. Where it ends the thread is back in
    the network it came from, and the kernel removes this one with its last process.

    Attributes:
        address: the node's: for kube-apiserver to listen on. Pods can reach it.
    """

    address = str(_RANGE[1])

    def __init__(self) -> None:
        """Describe it; nothing is made yet."""
        self._outside = -1
        self._numbers = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Make it and go in.

        Raises:
            PrivilegeMissingError: this takes root, and iproute2.
        """
        if shutil.which("ip") is None:
            raise PrivilegeMissingError("there is no `ip`: install iproute2")
        self._outside = syscalls.own_network()
        try:
            syscalls.unshare(Namespace.NETWORK)
        except PermissionError:
            os.close(self._outside)
            raise PrivilegeMissingError(
                "only root may make network namespaces: run as root, or in a privileged container"
            ) from None
        try:
            ip.run(
                "link set lo up",
                f"link add {_BRIDGE} type bridge",
                f"address add {self.address}/{_RANGE.prefixlen} dev {_BRIDGE}",
                f"link set {_BRIDGE} up",
            )
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Go back."""
        syscalls.enter(self._outside)
        os.close(self._outside)

    def join(self) -> PodNetwork:
        """Make the network of one more Pod, with an address that no other Pod has had."""
        with self._lock:
            self._numbers += 1
            number = self._numbers
        return PodNetwork(number)

    @staticmethod
    def node_address(number: int) -> str:
        """Return the address that a Node calls its own; nobody listens there."""
        return str(_RANGE[1 + number])
