"""What the harness promises: real nodes, names, power, and nothing left of it."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster, ClusterError, addresses, remains
from tests.cluster.place import is_ready
from tests.controlplane.absence import skipped_without_binaries
from tests.controlplane.leftovers import processes_naming
from tests.waiting import wait_for

pytestmark = pytest.mark.e2e

_REPOSITORY = Path(__file__).resolve().parents[2]
_SECONDS = 150.0
"""For what begins with processes that start, as all of a node's do."""
_CURL = ("curl", "--silent", "--fail", "--max-time", "3", "--output", "/dev/null")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of which each test uses Pods of its own."""
    with contextlib.ExitStack() as stack:
        with skipped_without_binaries():
            described = Cluster(tmp_path_factory.mktemp("cluster") / "cluster")
            found = stack.enter_context(described)
        yield found


def test_two_real_nodes_are_ready(cluster: Cluster) -> None:
    """Both nodes are ready, and say which containerd runs their Pods."""
    nodes = cluster.api.items("Node")

    assert [node["metadata"]["name"] for node in nodes] == ["n1", "n2"]
    assert all(is_ready(node) for node in nodes)
    assert all(
        node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
        for node in nodes
    )


def test_services_are_reached_from_both_nodes(cluster: Cluster) -> None:
    """CoreDNS is reached by its Service's address from each node, by way of kube-proxy's rules."""
    for node in cluster.nodes:
        connect = node.command("bash", "-c", f"exec 3<>/dev/tcp/{addresses.DNS}/53")

        def connects(command: list[str] = connect) -> bool:
            return subprocess.run(command, check=False).returncode == 0  # noqa: S603

        wait_for(connects, _SECONDS, f"the rules of {node.name}")


def test_the_machine_reaches_the_api_server_with_the_kubeconfig(cluster: Cluster) -> None:
    """A program of the machine works with the kubeconfig, by loopback, and verifies who answers."""
    assert "localhost" in cluster.kubeconfig.read_text()
    assert cluster.kubectl("get", "--raw", "/readyz").stdout == "ok"


def test_logs_of_a_pod_can_be_read(cluster: Cluster) -> None:
    """Kubectl has the log of a Pod from kubelet, through the API server."""
    assert "CoreDNS" in cluster.kubectl("logs", "deploy/coredns", namespace="kube-system").stdout


def test_processes_of_a_container_are_found(cluster: Cluster) -> None:
    """The process of a container is found from outside, so that a test can stop or kill it."""
    (pod,) = cluster.api.items("Pod", "kube-system")

    (pid,) = cluster.processes(pod, "coredns")

    assert Path(f"/proc/{pid}/comm").read_text() == "coredns\n"


def test_api_server_restarts(cluster: Cluster) -> None:
    """The API server can be stopped and started, and who comes from the machine sees it."""
    cluster.stop_apiserver()
    assert cluster.kubectl("get", "--raw", "/readyz", check=False).returncode != 0

    cluster.start_apiserver()

    assert cluster.request("GET", "/readyz").status == HTTPStatus.OK


def test_unknown_wish_is_told(cluster: Cluster) -> None:
    """What the place cannot do is an error for who asked, and the cluster goes on."""
    with pytest.raises(ClusterError, match="nobody here knows how to dance"):
        cluster.ask("dance")

    assert cluster.request("GET", "/readyz").status == HTTPStatus.OK


def test_node_without_power_is_silent_and_comes_back(cluster: Cluster) -> None:
    """A node that is switched off answers nobody; when it is back its Pods are started again."""
    (pod,) = cluster.api.items("Pod", "kube-system")
    (node,) = (node for node in cluster.nodes if node.name == pod["spec"]["nodeName"])
    ask = cluster.outside.command(*_CURL, f"http://{node.address}:10256/healthz")

    def answers() -> bool:
        return subprocess.run(ask, check=False).returncode == 0  # noqa: S603

    wait_for(answers, _SECONDS, "kube-proxy to answer")

    node.power_off()

    assert not cluster.processes(pod, "coredns")
    assert not answers()

    node.power_on()

    def restarts(pod: dict[str, Any]) -> int:
        count: int = pod["status"]["containerStatuses"][0]["restartCount"]
        return count

    def has_restarted() -> bool:
        found = cluster.get("Pod", pod["metadata"]["name"], "kube-system")
        return restarts(found) > restarts(pod) and is_ready(found)

    wait_for(has_restarted, _SECONDS, "the Pod to be ready again")


_KILLED = """
import sys, pathlib
from tests.cluster import Cluster
cluster = Cluster(pathlib.Path(sys.argv[1]))
cluster.start()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.usefixtures("cluster")
def test_nothing_is_left_when_the_parent_is_killed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """SIGKILL of the process that has a cluster ends it: no process, mount or cgroup stays."""
    folder = tmp_path_factory.mktemp("killed")  # short, as the paths of sockets have to be
    before = remains.of_the_machine()
    with _started("-c", _KILLED, str(folder)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert any("tests.cluster.keeper" in each for each in processes_naming(str(folder)))

    wait_for(
        lambda: not remains.since(before, str(folder)), _SECONDS, f"all of {folder} to be gone"
    )


@pytest.mark.usefixtures("cluster")
def test_ctrl_c_ends_a_cluster_that_was_started_by_hand() -> None:
    """``python -m tests.cluster`` tells how to reach it; Ctrl-C leaves nothing, not its folder."""
    before = remains.of_the_machine()
    with _started("-m", "tests.cluster") as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "export KUBECONFIG=" in line)
        kubeconfig = Path(line.strip().removeprefix("export KUBECONFIG="))
        assert json.loads(kubeconfig.read_text())["kind"] == "Config"
        process.send_signal(signal.SIGINT)
        assert process.wait(_SECONDS) == 0

    folder = kubeconfig.parent.parent
    assert remains.since(before, str(folder)) == []
    assert not folder.exists()


@contextlib.contextmanager
def _started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start Python with arguments; it is killed when the block ends, if it has not ended."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_REPOSITORY
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_images_are_shared_and_not_copied(cluster: Cluster) -> None:
    """Both nodes have the same files of their images, by hard links to one store."""
    first, second = (
        {file.stat().st_ino for file in (cluster.folder / node.name / _BLOBS).iterdir()}
        for node in cluster.nodes
    )

    assert first
    if cluster.folder.stat().st_dev != _REPOSITORY.stat().st_dev:
        pytest.skip("The cluster's folder is on another file system than the store of images.")
    assert first == second


_BLOBS = "root/io.containerd.content.v1.content/blobs/sha256"
