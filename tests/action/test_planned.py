"""What an admin does on purpose loses nothing: no creation fails, and each gets its setting."""

import json

import pytest

from tests.action.release import DEADLINE, NAME, Release

pytestmark = pytest.mark.e2e


def lost(release: Release, what: str) -> tuple[int, int]:
    """Tell how many creations failed, and how many lacked the setting."""
    report = release.reports[what]
    assert report.requests > 50
    return report.failed, report.unpatched


def test_rolling_restart(installed: Release) -> None:
    """Every replica is replaced by another one."""
    before = set(installed.pod_names())
    with installed.under_load("rolling restart"):
        installed.kubectl("rollout", "restart", f"deployment/{NAME}")
        installed.rolled_out()

    assert not before & set(installed.pod_names())
    assert lost(installed, "rolling restart") == (0, 0)


def test_scaling(installed: Release) -> None:
    """Down to one replica, up to three, down to one, back to two."""
    with installed.under_load("scaling 2-1-3-1-2"):
        for replicas in (1, 3, 1):
            installed.apply(replicas=replicas, podDisruptionBudget={"enabled": False})
        installed.apply()

    assert lost(installed, "scaling 2-1-3-1-2") == (0, 0)


def test_upgrade_to_other_values(installed: Release) -> None:
    """Another port, another log level, three replicas, another timeout: and back."""
    with installed.under_load("upgrade to other values and back"):
        installed.apply(replicas=3, port=9443, logLevel="debug", timeoutSeconds=5, nodePorts=True)
        installed.apply()

    assert lost(installed, "upgrade to other values and back") == (0, 0)


def test_authority_is_replaced(installed: Release) -> None:
    """From one authority to the next, with both published between, through the Service."""

    def authorities() -> set[str]:
        shown = json.loads(installed.certificates("show", "-o", "json"))["certificates"]
        return {each["sha256"] for each in shown if "authority" in each["role"]}

    before = authorities()
    with installed.under_load("replacing the authority"):
        installed.certificates("rotate", "--ca")
        both = authorities()
        installed.kubelet.wait_for(
            lambda: not before & authorities(), DEADLINE, "the old authority to be gone"
        )

    assert (len(before), len(both)) == (1, 2)
    assert authorities() == both - before
    assert lost(installed, "replacing the authority") == (0, 0)
