"""The policies that hold the service to its work, while it does its work."""

import json
from http import HTTPStatus

import pytest

from tests.action.release import DEADLINE, Release
from tests.chart.thief import CONFIGURATION, SECRET, Thief
from tests.controlplane.api import JsonObject

pytestmark = pytest.mark.e2e


def authorities(release: Release) -> set[str]:
    """Tell which authorities the Secret and the caBundles hold."""
    shown = json.loads(release.certificates("show", "-o", "json"))["certificates"]
    return {each["sha256"] for each in shown if "authority" in each["role"]}


def wait_for_others(release: Release, before: set[str]) -> None:
    """Wait until none of the authorities of before is left, and there is another."""

    def others() -> bool:
        now = authorities(release)
        return bool(now) and not before & now

    release.kubelet.wait_for(others, DEADLINE, "another authority")


def test_certificates_are_kept_under_the_policies(installed: Release) -> None:
    """With the policies in force the authority is replaced, and a lost Secret is made anew."""
    for path in (CONFIGURATION, SECRET):
        assert installed.plane.request("GET", path).status == HTTPStatus.OK
        Thief(installed.plane.api, path).wait_until_refused(DEADLINE)

    before = authorities(installed)
    installed.certificates("rotate", "--ca")
    wait_for_others(installed, before)

    before = authorities(installed)
    installed.kubectl("delete", "secret", SECRET.rpartition("/")[2])
    wait_for_others(installed, before)


def test_expressions_are_of_the_right_types(installed: Release) -> None:
    """The API server's own check of the policies' expressions has nothing to say about them."""

    def checked() -> list[JsonObject]:
        found = installed.plane.api.items("ValidatingAdmissionPolicy")
        done = [policy for policy in found if "typeChecking" in policy.get("status", {})]
        return done if len(done) == 2 else []

    policies = installed.kubelet.wait_for(checked, DEADLINE, "the check")

    assert [policy["status"]["typeChecking"] for policy in policies] == [{}, {}]
