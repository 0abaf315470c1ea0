"""What an admin does on purpose loses nothing: no creation fails, and each gets its setting."""

import pytest

from tests.action.release import NAME, PATIENT, Release, name_of, nodes_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def installed(release: Release) -> Release:
    """The release, as for the other tests, and an API server that waits for late answers."""
    release.apply(**PATIENT)
    return release


def test_rolling_restart(installed: Release) -> None:
    """Every replica is replaced by another one, and the new ones are kept apart too."""
    before = set(map(name_of, installed.ready_pods()))
    with installed.under_load("rolling restart"):
        installed.kubectl("rollout", "restart", f"deployment/{NAME}")
        installed.rolled_out()

    assert not before & set(map(name_of, installed.ready_pods()))
    assert len(nodes_of(installed.ready_pods())) == 2
    assert installed.lost() == (0, 0)


def test_scaling(installed: Release) -> None:
    """Down to one replica, up to three, down to one, back to two."""
    with installed.under_load("scaling to 1, 3, 1 and 2 replicas"):
        for replicas in (1, 3, 1, 2):
            installed.scale(replicas)
        installed.rolled_out()

    assert installed.lost() == (0, 0)


def test_upgrade_to_other_values(installed: Release) -> None:
    """Another port, another log level, three replicas, another timeout: and back."""
    with installed.under_load(
        "upgrade to other values (port, replicas, timeout, log level), and back"
    ):
        installed.apply(replicas=3, port=9443, logLevel="debug", timeoutSeconds=9, nodePorts=True)
        installed.apply(**PATIENT)

    assert installed.lost() == (0, 0)


def test_drain(installed: Release) -> None:
    """Each node in turn is emptied and taken back, the second one with both replicas on it."""
    with installed.under_load("`kubectl drain` of one node, then of the other"):
        for node in installed.cluster.nodes:
            flags = ("--ignore-daemonsets", "--delete-emptydir-data")
            try:
                installed.cluster.kubectl("drain", node.name, *flags, timeout_seconds=180)
                installed.rolled_out()
                assert node.name not in nodes_of(installed.pods())
            finally:
                installed.kubectl("uncordon", node.name)

    assert installed.lost() == (0, 0)


def test_authority_is_replaced(installed: Release) -> None:
    """From one authority to the next, with both published between, under the chart's policies."""
    installed.held_to_its_work()
    before = installed.authorities()
    with installed.under_load("the authority is replaced (`certificates rotate --ca`)"):
        installed.certificates("rotate", "--ca")
        both = installed.authorities()
        installed.wait_for(
            lambda: not before & installed.authorities(), "the old authority to be gone"
        )

    assert (len(before), len(both)) == (1, 2)
    assert installed.authorities() == both - before
    assert installed.lost() == (0, 0)


def test_uninstalling_leaves_nothing(installed: Release) -> None:
    """Nothing of ours is left, and creations go on, done as docs/install/README.md says."""
    with installed.under_load("the chart is uninstalled, its configuration first"):
        installed.kubectl("delete", "mutatingwebhookconfiguration", "0-source-ip-webhook")
        installed.uninstall()

    kinds = "all,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets"
    rest = [
        *installed.kubectl("get", kinds, "--output=name").split(),
        *installed.kubectl(
            *("get", "clusterroles,clusterrolebindings,mutatingwebhookconfigurations"),
            *("--output=name",),
        ).split(),
    ]
    assert not [name for name in rest if "source-ip" in name]
    assert installed.report.failed == 0
