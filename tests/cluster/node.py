"""Node: containerd, kubelet and kube-proxy in the network namespace of one node."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster import addresses, cgroups, network
from tests.cluster.addresses import pods6_of, pods_of
from tests.cluster.parts import CNI_PLUGINS
from tests.controlplane import components
from tests.controlplane.components import ComponentName
from tests.controlplane.leftovers import command_lines
from tests.controlplane.process import Child, answers_ok
from tests.images import copy, names
from tests.waiting import wait_for

_START_SECONDS = 60.0
_PROXY_HEALTH_PORT = 10256
"""kube-proxy's default."""


Json = dict[str, Any]


class Node:
    """One node, from `start` to `stop`. For a process in the cluster's own namespaces."""

    def __init__(
        self,
        name: str,
        folder: Path,
        kubeconfig: Path,
        cgroup: str,
        environment: Mapping[str, str],
        *,
        dual_stack: bool,
    ) -> None:
        """Describe it.

        Args:
            name: such as n1.
            folder: for all that it writes; made if need be.
            kubeconfig: with which kubelet and kube-proxy reach the API server.
            cgroup: the cluster's; it has one below it that is called as the node.
            environment: all environment variables of the node's programs.
            dual_stack: whether it and its Pods have IPv6 addresses too.
        """
        self.name = name
        self._folder = folder
        self._kubeconfig = kubeconfig
        self._cgroup = cgroup
        self._environment = environment
        address = addresses.NODES[name]
        self._addresses, self._pods, self._ranges = address, addresses.PODS, [pods_of(name)]
        if dual_stack:
            self._addresses += f",{addresses.v6(address)}"
            self._pods += f",{addresses.PODS6}"
            self._ranges.append(pods6_of(name))
        self._children: list[Child] = []

    def prepare(self, images: Path) -> None:
        """Give containerd its images, and start it.

        Args:
            images: a root of containerd's that has them. Its files are shared, not copied.

        Raises:
            process.StartError: containerd ended or does not answer.
        """
        self._folder.mkdir(parents=True)
        copy(images, self._folder / "root")
        self._write("cni/10-bridge.conflist", json.dumps(self._cni()))
        self._write("containerd.toml", self._containerd())
        self._write("kubelet.yaml", json.dumps(self._kubelet()))
        self._start_containerd()

    def join(self) -> None:
        """Start kubelet, which registers the node, and kube-proxy; neither is waited for."""
        self._run(
            "kubelet",
            *self._component("kubelet"),
            f"--config={self._folder / 'kubelet.yaml'}",
            f"--root-dir={self._folder / 'kubelet'}",
            f"--cert-dir={self._folder / 'pki'}",
            f"--node-ip={self._addresses}",
        )
        self._run(
            "kube-proxy",
            *self._component("kube-proxy"),
            "--proxy-mode=iptables",
            f"--cluster-cidr={self._pods}",
            # These limits are the machine's, which a node here is only a part of.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        )

    def routes_services(self) -> bool:
        """Tell whether kube-proxy has written its rules once."""
        return answers_ok(f"http://{addresses.NODES[self.name]}:{_PROXY_HEALTH_PORT}/healthz")

    def power_off(self) -> None:
        """Lose it as when the power fails: nothing is told to anybody."""
        network.plug(self.name, connected=False)
        for child in self._children:
            os.kill(child.pid, signal.SIGKILL)
        for pid, line in command_lines().items():
            if str(self._folder) in line:  # what containerd left beside its containers
                _kill(pid)
        wait_for(self._has_no_containers, _START_SECONDS, f"the containers of {self.name} to end")
        for child in self._children:
            child.stop()
        self._children.clear()

    def power_on(self) -> None:
        """Start it again with what its disk has.

        Raises:
            process.StartError: containerd ended or does not answer.
        """
        network.plug(self.name, connected=True)
        self._start_containerd()
        self.join()

    def _has_no_containers(self) -> bool:
        pids = cgroups.processes(self._cgroup, self.name)
        for pid in pids:
            _kill(pid)
        return not pids

    def _start_containerd(self) -> None:
        socket = self._folder / "containerd.sock"
        socket.unlink(missing_ok=True)
        child = self._run(
            "containerd", "containerd", f"--config={self._folder / 'containerd.toml'}"
        )
        child.wait_until_ready(socket.exists, _START_SECONDS)

    def _component(self, name: ComponentName) -> list[str]:
        command = components.find(name).command
        return [*command, f"--kubeconfig={self._kubeconfig}", f"--hostname-override={self.name}"]

    def _run(self, what: str, *command: str) -> Child:
        log = self._folder / f"{what}.log"
        inside = network.inside(self.name, *command)
        child = Child(f"{what} of {self.name}", inside, log, self._environment)
        self._children.append(child)
        return child

    def _write(self, name: str, content: str) -> None:
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def _cni(self) -> Json:
        addresses_of_pods = {
            "type": "host-local",
            "ranges": [[{"subnet": each}] for each in self._ranges],
            "dataDir": str(self._folder / "addresses"),
        }
        bridge = {
            "type": "bridge",
            "bridge": "pods",
            "isDefaultGateway": True,
            "hairpinMode": True,
            "ipam": addresses_of_pods,
        }
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"cniVersion": "0.4.0", "name": "cluster", "plugins": [bridge, ports]}

    def _containerd(self) -> str:
        return f"""version = 2
root = "{self._folder / "root"}"
state = "{self._folder / "state"}"
[grpc]
  address = "{self._folder / "containerd.sock"}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{names.PAUSE}"
  # A root without CAP_SYS_RESOURCE may not make a process less likely to be killed.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{self._folder / "cni"}"
"""

    def _kubelet(self) -> Json:
        never = ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._cgroup}/{self.name}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "containerRuntimeEndpoint": f"unix://{self._folder / 'containerd.sock'}",
            "clusterDNS": [addresses.DNS],
            "clusterDomain": "cluster.local",
            "resolvConf": "",  # or Pods ask the machine's
            "podLogsDir": str(self._folder / "logs"),
            "volumePluginDir": str(self._folder / "plugins"),
            "enforceNodeAllocatable": [],
            "evictionHard": dict.fromkeys(never, "0%"),  # the machine's disk may be full
            "imageGCHighThresholdPercent": 100,
            "syncFrequency": "5s",
        }


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
