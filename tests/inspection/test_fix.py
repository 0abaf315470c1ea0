"""``audit --fix``: one owner after the other, and nothing half done when it is interrupted."""

import json
import signal
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.inspection.admin import Admin, Json, found, workload

pytestmark = pytest.mark.e2e

RESTARTED = "kubectl.kubernetes.io/restartedAt"
GATE = "example.org/may-be-ready"
"""A condition of the Pod without which kubelet does not call it ready."""
FIRST, SECOND, THIRD = "a-first", "b-second", "c-third"


@pytest.fixture(scope="module")
def place(admin: Admin) -> str:
    """Three old Deployments; the second becomes ready when the test lets it."""
    name = admin.namespace("fixed")
    admin.create(
        workload(FIRST, runs=True),
        workload(SECOND, runs=True, readinessGates=[{"conditionType": GATE}]),
        workload(THIRD, runs=True),
        namespace=name,
    )
    admin.wait_for(lambda: len(admin.pods(name)) == 3, "the Pods")
    admin.pass_a_second()
    admin.opt_in(name)
    return name


def template(admin: Admin, place: str, name: str) -> Json:
    """Read the template of a Deployment."""
    found: Json = admin.cluster.get("Deployment", name, place)["spec"]["template"]
    return found


def is_restarted(admin: Admin, place: str, name: str) -> bool:
    """Tell whether somebody has restarted a Deployment."""
    return RESTARTED in template(admin, place, name)["metadata"].get("annotations", {})


def has_new_pod(admin: Admin, place: str, name: str) -> bool:
    """Tell whether a Deployment that somebody has restarted has a Pod, and no former one."""
    annotations = [pod["metadata"].get("annotations", {}) for pod in admin.pods(place, app=name)]
    return bool(annotations) and all(RESTARTED in each for each in annotations)


def let_be_ready(admin: Admin, place: str, name: str) -> None:
    """Let the Pods of a Deployment become ready."""
    for pod in admin.pods(place, app=name):
        condition = {"type": GATE, "status": "True"}
        path = f"/api/v1/namespaces/{place}/pods/{pod['metadata']['name']}/status"
        body = json.dumps({"status": {"conditions": [condition]}}).encode()
        kind = "application/strategic-merge-patch+json"
        answer = admin.cluster.request("PATCH", path, body, content_type=kind)
        assert answer.status == HTTPStatus.OK


@pytest.fixture(scope="module")
def interrupted(admin: Admin, place: str) -> Iterator[tuple[int, str]]:
    """A fix that is interrupted while the second rollout waits: its code, and its words."""
    process = admin.user.start("audit", "--namespace", place, "--fix", "--yes")
    try:
        admin.wait_for(lambda: is_restarted(admin, place, SECOND), "the second rollout")
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
        yield process.returncode, said + complained
    finally:
        process.kill()
        process.wait()


def test_preview_of_a_fix_changes_nothing(admin: Admin, place: str) -> None:
    """``--dry-run=server`` says what would be done, and leaves every Deployment as it is."""
    answer = admin.user.run("audit", "--namespace", place, "--fix", "--yes", "--dry-run=server")

    assert all(name in answer.text for name in (FIRST, SECOND, THIRD)), answer.text
    assert not any(is_restarted(admin, place, name) for name in (FIRST, SECOND, THIRD))


def test_fix_is_not_done_unasked(admin: Admin, place: str) -> None:
    """Without ``--yes`` it asks, and no answer is a no."""
    answer = admin.user.run("audit", "--namespace", place, "--fix", stdin="")

    assert answer.code in {1, 2}, answer.text
    assert not any(is_restarted(admin, place, name) for name in (FIRST, SECOND, THIRD))


def test_interrupted_fix_leaves_nothing_half_done(
    admin: Admin, place: str, interrupted: tuple[int, str]
) -> None:
    """Ctrl-C while a rollout waits: the first is done, the second begun, the third untouched."""
    code, said = interrupted

    assert code not in {0, 1}, said
    assert "Traceback" not in said
    assert is_restarted(admin, place, FIRST)
    assert is_restarted(admin, place, SECOND)
    assert not is_restarted(admin, place, THIRD)
    reasons = found(admin.audit("--namespace", place), place)
    assert (f"Deployment/{FIRST}", "created-before-label") not in reasons
    assert (f"Deployment/{THIRD}", "created-before-label") in reasons


@pytest.mark.usefixtures("interrupted")
def test_next_fix_finishes(admin: Admin, place: str) -> None:
    """What an interrupted fix has left is done by the next one, and then all is clean."""
    admin.wait_for(lambda: has_new_pod(admin, place, SECOND), "the new Pod alone")
    let_be_ready(admin, place, SECOND)

    answer = admin.user.run("audit", "--namespace", place, "--fix", "--yes")

    assert answer.code == 0, answer.text
    assert is_restarted(admin, place, THIRD)
    assert admin.audit("--namespace", place).code == 0


def test_fix_stops_at_the_first_that_does_not_become_ready(admin: Admin) -> None:
    """An owner whose new Pods never become ready is the last one that is touched."""
    name = admin.namespace("stuck")
    gates = [{"conditionType": GATE}]
    first, second = workload(FIRST, runs=True, readinessGates=gates), workload(SECOND, runs=True)
    first["spec"]["progressDeadlineSeconds"] = 3
    admin.create(first, second, namespace=name)
    admin.wait_for(lambda: len(admin.pods(name)) == 2, "the Pods")
    admin.pass_a_second()
    admin.opt_in(name)

    answer = admin.user.run("audit", "--namespace", name, "--fix", "--yes")

    assert answer.code == 1, answer.text
    assert FIRST in answer.text
    assert is_restarted(admin, name, FIRST)
    assert not is_restarted(admin, name, SECOND)
