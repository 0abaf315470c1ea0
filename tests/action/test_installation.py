"""What Helm has installed is what the chart says, where that shows: on real nodes."""

from pathlib import Path

import pytest

from tests.action.release import Json, Release, nodes_of
from tests.chart import helm

pytestmark = pytest.mark.e2e


def test_replicas_are_kept_apart(installed: Release) -> None:
    """The two replicas are on two nodes."""
    assert nodes_of(installed.ready_pods()) == {"n1", "n2"}


def test_helm_test(installed: Release) -> None:
    """``helm test`` finds a replica that is ready, by the name of the Service."""
    assert "Phase:          Succeeded" in installed.helm("test", helm.NAME)


def test_expressions_are_of_the_right_types(installed: Release) -> None:
    """The API server's own check of the policies' expressions has nothing to say about them."""

    def checked() -> list[Json]:
        found = installed.cluster.api.items("ValidatingAdmissionPolicy")
        done = [policy for policy in found if "typeChecking" in policy.get("status", {})]
        return done if len(done) == 2 else []

    policies = installed.wait_for(checked, "the check")

    assert [policy["status"]["typeChecking"] for policy in policies] == [{}, {}]


def test_container_is_held_to_its_limits(installed: Release) -> None:
    """The process is nobody, can become nothing else, can write nowhere, and has a limit."""
    pod = installed.ready_pods()[0]
    (pid,) = installed.processes(pod)
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]

    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65532"}
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")  # 2: a filter
    (root,) = (fields for fields in mounts if fields[4] == "/")
    assert "ro" in root[5].split(",")
    assert memory_limit(pid) == 384 << 20


def memory_limit(pid: int) -> int:
    """Return the bytes that the process and all others of its cgroup may have."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return int(Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes").read_text())
    return int(Path(f"/sys/fs/cgroup{path}/memory.max").read_text())
