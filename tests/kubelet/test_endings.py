"""How Pods end, and that nothing is left of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane, wait_for
from tests.controlplane.leftovers import processes_naming
from tests.kubelet.errors import UnsupportedError
from tests.kubelet.images import REPOSITORY
from tests.kubelet.kubelet import Kubelet
from tests.kubelet.network import ClusterNetwork
from tests.kubelet.workload import DEADLINE, IMAGE, NAME, Workload, pod_spec

pytestmark = pytest.mark.e2e


def is_alive(pid: int) -> bool:
    """Tell whether there is a process."""
    return Path(f"/proc/{pid}").exists()


def delete(web: Workload, name: str) -> None:
    """Delete a Pod and do not wait; nothing replaces it."""
    web.plane.kubectl("scale", f"deployment/{NAME}", "--replicas=0", namespace=web.namespace)
    web.kubelet.wait_for(
        lambda: "deletionTimestamp" in web.plane.get("Pod", name, web.namespace)["metadata"],
        DEADLINE,
        "the deletion",
    )


def test_pre_stop_comes_before_the_signal(web: Workload) -> None:
    """A Pod with a preStop hook leaves its Service at once, and is told to stop after the hook."""
    web.deploy(lifecycle={"preStop": {"sleep": {"seconds": 2}}})
    pod = web.started()
    name = pod["metadata"]["name"]
    web.wait_for_endpoints(pod)

    began = time.monotonic()
    delete(web, name)
    web.wait_for_endpoints()
    assert web.ask(pod)["hostname"] == name
    web.ready(0)

    assert time.monotonic() - began >= 2
    assert web.kubelet.log(name) == "listening\ntold to stop\n"


def test_grace_period_ends(web: Workload) -> None:
    """A process that does not end by itself is killed after the grace period."""
    web.deploy(pod={"terminationGracePeriodSeconds": 2})
    name = web.started()["metadata"]["name"]
    os.kill(pid := web.kubelet.process(name), signal.SIGSTOP)

    began = time.monotonic()
    delete(web, name)
    web.ready(0)

    assert time.monotonic() - began >= 2
    assert not is_alive(pid)


def test_forced_deletion(web: Workload) -> None:
    """The process of a Pod that the API server forgot at once ends all the same."""
    web.deploy(pod={"terminationGracePeriodSeconds": 600})
    name = web.started()["metadata"]["name"]
    os.kill(pid := web.kubelet.process(name), signal.SIGSTOP)

    web.plane.kubectl("delete", "pod", name, "--force", namespace=web.namespace)

    wait_for(lambda: not is_alive(pid), DEADLINE, "the end of the process")


def test_crash_loop(web: Workload) -> None:
    """A program that ends at once is started again and again, and its Pod says so."""
    web.deploy(command=["false"])

    def looping() -> bool:
        states = [
            state
            for pod in web.kubelet.pods(web.namespace)
            for state in pod["status"].get("containerStatuses", ())
        ]
        return any(
            state["restartCount"] >= 2
            and state["state"].get("waiting") == {"reason": "CrashLoopBackOff"}
            and state["lastState"]["terminated"]["exitCode"] == 1
            for state in states
        )

    web.kubelet.wait_for(looping, DEADLINE, "the second back-off")


def test_job_completes(web: Workload) -> None:
    """A Job's Pod that ends well is not started again, and the Job is complete."""
    spec = pod_spec({"restartPolicy": "Never"}, command=["true"])
    del spec["containers"][0]["readinessProbe"]
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {"template": {"spec": spec}},
    }
    web.apply(job)

    web.plane.kubectl(
        "wait", "--for=condition=complete", "job/once", "--timeout=30s", namespace=web.namespace
    )


def test_root_is_refused(web: Workload) -> None:
    """A container that must not be root and would be is not started, and its Pod says why."""
    web.deploy(securityContext={"runAsNonRoot": True})

    def reason() -> bool:
        return any(
            state["state"]["waiting"]["reason"] == "CreateContainerConfigError"
            for pod in web.kubelet.pods(web.namespace)
            for state in pod["status"].get("containerStatuses", ())
        )

    web.kubelet.wait_for(reason, DEADLINE, "the reason")


def test_api_server_goes_away_and_comes_back(web: Workload) -> None:
    """While the API server is away containers run on, and what happened meanwhile is told later."""
    web.deploy()
    pod = web.started()
    name = pod["metadata"]["name"]

    web.plane.stop_apiserver()
    os.kill(killed := web.kubelet.process(name), signal.SIGKILL)
    wait_for(lambda: not is_alive(killed), DEADLINE, "the end of the process")
    web.plane.start_apiserver()

    web.kubelet.wait_for(lambda: web.restarts(pod) == 1, DEADLINE, "the restart")


def test_what_is_not_played_is_an_error(
    plane: ControlPlane, network: ClusterNetwork, tmp_path: Path, namespace: str
) -> None:
    """A Pod that asks for what nobody plays is an error of the test, which names it."""

    def run() -> None:
        with Kubelet(plane, network, tmp_path, {"program": IMAGE}, [namespace]) as kubelet:
            web = Workload(plane, kubelet, namespace)
            web.deploy(envFrom=[{"configMapRef": {"name": "any"}}])
            web.started()

    with pytest.raises(UnsupportedError, match="container web: nobody plays envFrom here"):
        run()


def test_nothing_is_left(
    plane: ControlPlane, network: ClusterNetwork, tmp_path: Path, namespace: str
) -> None:
    """After the block there is no process, no mount, no interface and no Node any more."""
    with Kubelet(plane, network, tmp_path, {"program": IMAGE}, [namespace]) as kubelet:
        web = Workload(plane, kubelet, namespace)
        web.deploy(replicas=2)
        processes = [kubelet.process(pod["metadata"]["name"]) for pod in web.ready(2)]
        assert len(interfaces()) == 2

    assert not any(map(is_alive, processes))
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    assert not list(tmp_path.glob("*/*.root/*"))
    assert not interfaces()
    assert not plane.api.items("Node")


def interfaces() -> list[str]:
    """Return the names of the Pods' interfaces in the network that this test is in."""
    lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
    return [line.strip() for line in lines if line.strip().startswith("veth")]


def test_the_way_out(network: ClusterNetwork) -> None:
    """A network within a network is left at the end of its block, for the one before."""
    here = Path("/proc/thread-self/ns/net")
    before = here.readlink()

    with ClusterNetwork() as inner:
        within = here.readlink()
        inner.join().close()

    assert network.address
    assert within != before == here.readlink()


def test_killed_test_run_leaves_nothing(tmp_path: Path) -> None:
    """When the test run itself is killed, what it started ends by itself, mounts included."""
    script = REPOSITORY / "tests" / "kubelet" / "killed.py"

    ended = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(script), str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        check=False,
    )

    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    wait_for(lambda: not processes_naming(str(tmp_path)), DEADLINE, "the end of the servers")
    wait_for(lambda: not is_alive(int(ended.stdout)), DEADLINE, "that of the container")
