"""Where pod templates live."""

import json
from typing import Any

import pytest

from webhook.offline.manifests import Manifest, file
from webhook.offline.workloads import is_service, member, template_path


def manifest(api_version: str, kind: str, **fields: Any) -> Manifest:
    """Make an object."""
    text = json.dumps({"apiVersion": api_version, "kind": kind, **fields})
    return file("f", text).manifests[0]


TEMPLATE: dict[str, Any] = {"template": {}}


@pytest.mark.parametrize(
    ("api_version", "kind", "fields", "path"),
    [
        ("v1", "Pod", {}, ()),
        ("v1", "PodTemplate", TEMPLATE, ("template",)),
        ("v1", "ReplicationController", {"spec": TEMPLATE}, ("spec", "template")),
        ("apps/v1", "Deployment", {"spec": TEMPLATE}, ("spec", "template")),
        ("apps/v1", "ReplicaSet", {"spec": TEMPLATE}, ("spec", "template")),
        ("apps/v1", "StatefulSet", {"spec": TEMPLATE}, ("spec", "template")),
        ("apps/v1", "DaemonSet", {"spec": TEMPLATE}, ("spec", "template")),
        ("batch/v1", "Job", {"spec": TEMPLATE}, ("spec", "template")),
        (
            "batch/v1",
            "CronJob",
            {"spec": {"jobTemplate": {"spec": TEMPLATE}}},
            ("spec", "jobTemplate", "spec", "template"),
        ),
        ("argoproj.io/v1alpha1", "Rollout", {"spec": TEMPLATE}, ("spec", "template")),
        ("argoproj.io/v1alpha1", "Rollout", {"spec": {"workloadRef": {}}}, None),
        ("serving.knative.dev/v1", "Service", {"spec": TEMPLATE}, ("spec", "template")),
        ("v1", "Service", {"spec": TEMPLATE}, None),
        ("apps/v1", "Deployment", {"spec": "text"}, None),
        ("example.com/v1", "Deployment", {"spec": TEMPLATE}, None),
    ],
)
def test_template_path(
    api_version: str, kind: str, fields: dict[str, Any], path: tuple[str, ...] | None
) -> None:
    """Each workload has its template at its place, and nothing else has one."""
    assert template_path(manifest(api_version, kind, **fields)) == path


def test_is_service() -> None:
    """Knative's Service is a workload, the core group's is a Service."""
    assert is_service(manifest("v1", "Service"))
    assert not is_service(manifest("serving.knative.dev/v1", "Service"))


def test_member() -> None:
    """A path leads to a member or nowhere."""
    assert member({"a": {"b": 1}}, ("a", "b")) == 1
    assert member({"a": 1}, ("a", "b")) is None
