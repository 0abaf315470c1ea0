"""How far a rollout is, by what the API server tells of the workload."""

from typing import Any

import msgspec
import pytest

from tests.unit.audit.workloads import HALF, READY, workload
from webhook.audit.rollout import Progress, Workload, obstacle, progress, refusal


def read(content: dict[str, Any]) -> Workload:
    """Decode a workload as it comes from the API server."""
    return msgspec.json.decode(msgspec.json.encode(content), type=Workload)


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("Deployment", READY, Progress(2, 2, ended=True)),
        ("Deployment", HALF, Progress(1, 2, ended=False)),
        (
            "Deployment",
            workload(spec={"replicas": 2}, replicas=3, updatedReplicas=2, availableReplicas=3),
            Progress(2, 2, ended=False),
        ),
        (  # the new Pod does not become available
            "Deployment",
            workload(spec={"replicas": 2}, replicas=3, updatedReplicas=1, availableReplicas=2),
            Progress(0, 2, ended=False),
        ),
        ("Deployment", workload(spec={"replicas": 0}), Progress(0, 0, ended=True)),
        (
            "Deployment",
            workload(replicas=1, updatedReplicas=1, availableReplicas=1),
            Progress(1, 1, ended=True),
        ),
        (
            "Deployment",
            {**READY, "metadata": {"generation": 3}},
            Progress(0, 2, ended=False),
        ),
        ("Deployment", {"metadata": {}, "spec": {}}, Progress(0, 1, ended=False)),
        (
            "StatefulSet",
            workload(
                updatedReplicas=1, availableReplicas=1, currentRevision="a", updateRevision="b"
            ),
            Progress(1, 1, ended=False),
        ),
        (
            "StatefulSet",
            workload(
                updatedReplicas=1, availableReplicas=1, currentRevision="b", updateRevision="b"
            ),
            Progress(1, 1, ended=True),
        ),
        (
            "DaemonSet",
            workload(desiredNumberScheduled=3, updatedNumberScheduled=2, numberAvailable=3),
            Progress(2, 3, ended=False),
        ),
        (
            "DaemonSet",
            workload(desiredNumberScheduled=3, updatedNumberScheduled=3, numberAvailable=3),
            Progress(3, 3, ended=True),
        ),
    ],
)
def test_progress(kind: str, content: dict[str, Any], expected: Progress) -> None:
    """A rollout has ended once the change is seen, all Pods are new, and none is old or away."""
    assert progress(kind, read(content)) == expected


@pytest.mark.parametrize(("status", "said"), [("True", "exceeded quota: q"), ("False", "")])
def test_refusal(status: str, said: str) -> None:
    """A Deployment tells why its Pods are refused, as long as they are."""
    about = {"type": "ReplicaFailure", "reason": "FailedCreate", "message": "exceeded quota: q"}
    conditions = [{"type": "Available", "status": "True"}, {**about, "status": status}]

    assert refusal(read(workload(conditions=conditions))) == said


def test_deadline_that_has_passed_is_a_failure() -> None:
    """A Deployment says itself that it does not get on; other conditions say nothing of that."""
    conditions = [
        {"type": "Available", "reason": "MinimumReplicasUnavailable"},
        {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out"},
    ]
    stuck = workload(replicas=1, conditions=conditions)

    assert progress("Deployment", read(stuck)) == Progress(0, 1, ended=False, failure="timed out")
    assert not progress("Deployment", read(workload(conditions=conditions[:1]))).failure


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({}, ""),
        ({"paused": False, "updateStrategy": {"type": "RollingUpdate"}}, ""),
        ({"updateStrategy": {"rollingUpdate": {"partition": 0}}}, ""),
        ({"paused": True}, "paused"),
        ({"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
        ({"updateStrategy": {"rollingUpdate": {"partition": 2}}}, "partition 2"),
    ],
)
def test_obstacle(spec: dict[str, Any], why: str) -> None:
    """What makes no new Pods by itself is told; what does has no obstacle."""
    said = obstacle(read(workload(spec=spec)))

    assert why in said
    assert bool(said) == bool(why)


def test_selector_is_written_as_a_query_has_it() -> None:
    """Labels and expressions of every operator select the same Pods."""
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "tier", "operator": "NotIn", "values": ["c"]},
        {"key": "app", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    spec = {"selector": {"matchLabels": {"app": "web"}, "matchExpressions": expressions}}

    written = str(read(workload(spec=spec)).spec.selector)
    assert written == "app=web,tier in (a,b),tier notin (c),app,!old"
