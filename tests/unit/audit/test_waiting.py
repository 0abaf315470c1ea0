"""How the end of a rollout is waited for, and what is said where it does not come."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import kubeconfig as kubeconfigs
from tests.unit.audit.workloads import HALF, READY, pod, waits, workload
from tests.unit.cluster.scripted import Scripted
from webhook.audit.waiting import NotReadyError, Pace, until_available
from webhook.cluster import NotFound
from webhook.cluster.access import Access
from webhook.cluster.client import Client

PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
PODS = "/api/v1/namespaces/shop/pods"


class Clock:
    """A clock that moves only while somebody sleeps."""

    now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def api() -> Iterator[Scripted]:
    """Run an API server that answers what the test says."""
    with Scripted() as running:
        yield running


@pytest.fixture
def client(api: Scripted, tmp_path: Path) -> Iterator[Client]:
    """Make a client for it."""
    path = kubeconfigs.write(tmp_path / "config", api.url, {"token": "x"})
    client = Access(kubeconfig=path).connect()
    yield client
    client.close()


def wait(client: Client, seen: list[tuple[int, int]] | None = None, seconds: int = 3) -> int:
    """Wait for a Deployment."""
    clock = Clock()
    return until_available(
        client,
        "Deployment",
        PATH,
        dt.timedelta(seconds=seconds),
        pods=PODS,
        progress=lambda done, total: (seen if seen is not None else []).append((done, total)),
        pace=Pace(clock, clock.sleep),
    )


def test_rollout_is_looked_at_until_it_ends(api: Scripted, client: Client) -> None:
    """Whoever waits is told how far it is, and at last how many Pods there are."""
    for each in (HALF, HALF, READY):
        api.answer(200, each)
    seen: list[tuple[int, int]] = []

    assert wait(client, seen) == 2
    assert seen == [(1, 2), (1, 2), (2, 2)]
    assert {asked.path for asked in api.asked} == {PATH}


def test_api_server_may_be_busy_meanwhile(api: Scripted, client: Client) -> None:
    """A single answer that does not come ends nothing."""
    api.answer(503, {})
    api.answer(200, READY)

    assert wait(client) == 2


def test_workload_that_goes_away_is_an_error(api: Scripted, client: Client) -> None:
    """Somebody may delete it while it is waited for."""
    api.answer(404, {})
    with pytest.raises(NotFound):
        wait(client)


@pytest.mark.parametrize(
    ("pods", "said"),
    [
        (
            [
                pod("old", "2026-01-01T00:00:00Z", containerStatuses=[waits("app", "Old")]),
                pod(
                    "new",
                    "2026-01-02T00:00:00Z",
                    containerStatuses=[
                        {"name": "istio-proxy", "state": {"running": {}}},
                        waits("app", "CrashLoopBackOff", "back-off 10s\nrestarting"),
                    ],
                ),
            ],
            "Pod new: container app: CrashLoopBackOff: back-off 10s restarting.",
        ),
        (
            [
                pod("x", containerStatuses=[waits("app", "PodInitializing")]),
                pod("y", initContainerStatuses=[waits("istio-init", "ErrImagePull")]),
            ],
            "Pod y: container istio-init: ErrImagePull.",
        ),
        (
            [
                pod(
                    "x",
                    conditions=[
                        {"type": "Initialized", "status": "False"},
                        {"type": "PodScheduled", "status": "False", "message": "0/3 nodes fit."},
                    ],
                )
            ],
            "Pod x: not PodScheduled: 0/3 nodes fit.",
        ),
        (
            [
                {
                    "metadata": {"name": "x", "deletionTimestamp": "2026-01-02T00:00:00Z"},
                    "status": {"containerStatuses": [waits("app", "CrashLoopBackOff")]},
                },
                pod("y", conditions=[{"type": "Ready", "status": "True"}]),
                {"metadata": {"name": "z"}},
            ],
            "None of its Pods says why: kubectl describe may show what its events say.",
        ),
    ],
)
def test_what_takes_too_long_is_explained(
    api: Scripted, client: Client, pods: list[dict[str, Any]], said: str
) -> None:
    """After the time is over one of the newest Pods tells what it waits for."""
    for _ in range(4):
        api.answer(200, HALF)
    api.answer(200, {"metadata": {"resourceVersion": "9"}, "items": pods})
    with pytest.raises(NotReadyError) as caught:
        wait(client)

    assert str(caught.value) == (
        f"1 of 2 Pods are new and available: it takes longer than 3s. {said}"
    )
    assert (api.asked[-1].path, api.asked[-1].params["labelSelector"]) == (PODS, "app=web")


def test_pods_that_cannot_be_made_are_explained(api: Scripted, client: Client) -> None:
    """Where a quota is full there is no Pod that could tell."""
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": 'pods "web-1" is forbidden: exceeded quota: q',
    }
    for _ in range(4):
        api.answer(200, workload(replicas=1, availableReplicas=1, conditions=[condition]))
    with pytest.raises(NotReadyError) as caught:
        wait(client)

    assert str(caught.value) == (
        "0 of 1 Pods are new and available: it takes longer than 3s. "
        'No more Pods can be made: pods "web-1" is forbidden: exceeded quota: q.'
    )


def test_failure_ends_the_wait_at_once(api: Scripted, client: Client) -> None:
    """What the Deployment itself gives up is not waited for, even where Pods cannot be read."""
    condition = {
        "type": "Progressing",
        "reason": "ProgressDeadlineExceeded",
        "message": "it has timed out.",
    }
    api.answer(200, workload(conditions=[condition]))
    api.answer(403, {"message": "no pods for you"})
    with pytest.raises(NotReadyError) as caught:
        wait(client)

    assert str(caught.value) == (
        "0 of 1 Pods are new and available: it has timed out. What its Pods wait for cannot be "
        f"told: get {PODS}: HTTP 403, no pods for you"
    )
