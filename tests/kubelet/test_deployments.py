"""A Deployment runs as it would on real nodes."""

import os
import signal
from pathlib import Path

import pytest

from tests.kubelet.workload import DEADLINE, NAME, Workload

pytestmark = pytest.mark.e2e


def is_alive(pid: int) -> bool:
    """Tell whether there is a process."""
    return Path(f"/proc/{pid}").exists()


def test_replicas_become_ready_and_get_work(web: Workload) -> None:
    """Two replicas become ready on two Nodes, and their Service leads to both of them."""
    web.deploy(replicas=2)

    first, second = web.ready(2)
    web.wait_for_endpoints(first, second)

    assert {pod["spec"]["nodeName"] for pod in (first, second)} == {"node-1", "node-2"}
    assert web.ask(first)["hostname"] == first["metadata"]["name"]
    path = f"/api/v1/namespaces/{web.namespace}/services/{NAME}:http/proxy/"
    web.kubelet.wait_for(
        lambda: web.plane.request("GET", path).status == 200, DEADLINE, "an answer by the Service"
    )


def test_rolling_restart(web: Workload) -> None:
    """A rolling restart replaces both Pods, and the old ones were told to stop."""
    web.deploy(replicas=2)
    old = [pod["metadata"]["name"] for pod in web.ready(2)]
    processes = [web.kubelet.process(name) for name in old]

    web.plane.kubectl("rollout", "restart", f"deployment/{NAME}", namespace=web.namespace)
    web.plane.kubectl(
        "rollout", "status", f"deployment/{NAME}", "--timeout=30s", namespace=web.namespace
    )
    new = web.ready(2)

    assert not {pod["metadata"]["name"] for pod in new} & set(old)
    web.wait_for_endpoints(*new)
    assert not any(map(is_alive, processes))
    assert [web.kubelet.log(name) for name in old] == ["listening\ntold to stop\n"] * 2


def test_killed_container_is_restarted(web: Workload) -> None:
    """A container that is killed runs again in the same Pod, and the Pod says why."""
    web.deploy()
    pod = web.started()
    name = pod["metadata"]["name"]

    os.kill(killed := web.kubelet.process(name), signal.SIGKILL)
    web.kubelet.wait_for(lambda: web.restarts(pod) == 1, DEADLINE, "the restart")

    again = web.again(pod)
    assert web.kubelet.process(name) != killed
    assert again["status"]["podIP"] == pod["status"]["podIP"]
    (state,) = again["status"]["containerStatuses"]
    assert state["lastState"]["terminated"]["exitCode"] == 128 + signal.SIGKILL


def test_hung_container_is_restarted(web: Workload) -> None:
    """A container whose liveness probe fails is killed and runs again."""
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    web.deploy(pod={"terminationGracePeriodSeconds": 1}, livenessProbe=probe)
    pod = web.started()

    os.kill(web.kubelet.process(pod["metadata"]["name"]), signal.SIGSTOP)
    web.kubelet.wait_for(lambda: web.restarts(pod) == 1, DEADLINE, "the restart")


def test_unready_pod_gets_no_work(web: Workload) -> None:
    """A Pod whose readiness probe fails leaves the Service, and nothing restarts it."""
    web.deploy(replicas=2)
    first, second = web.ready(2)
    web.wait_for_endpoints(first, second)

    web.ask(first, "/unready")
    web.wait_for_endpoints(second)

    (state,) = web.again(first)["status"]["containerStatuses"]
    assert (state["ready"], state["started"], state["restartCount"]) == (False, True, 0)


def test_nothing_is_ready_before_its_startup_probe(web: Workload) -> None:
    """Before the startup probe has passed, a readiness probe that would pass is not asked."""
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 2}
    web.deploy(startupProbe=probe)

    (pod,) = web.kubelet.wait_for(
        lambda: [
            each for each in web.kubelet.pods(web.namespace) if each["status"]["phase"] == "Running"
        ],
        DEADLINE,
        "a running Pod",
    )
    (state,) = pod["status"]["containerStatuses"]
    assert (state["ready"], state["started"]) == (False, False)
    web.ready()


def test_scaled_to_zero(web: Workload) -> None:
    """Scaled to zero, there are no Pods, no endpoints and no processes any more."""
    web.deploy(replicas=2)
    processes = [web.kubelet.process(pod["metadata"]["name"]) for pod in web.ready(2)]

    web.plane.kubectl("scale", f"deployment/{NAME}", "--replicas=0", namespace=web.namespace)
    web.ready(0)

    web.wait_for_endpoints()
    assert not any(map(is_alive, processes))
