"""What a webhook gets to see of a manifest."""

import json
from typing import Any

import pytest

from webhook.offline.apiserver import Applier
from webhook.offline.creation import applied, named, pod_of, recreated

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def service(**spec: Any) -> dict[str, Any]:
    """Make the spec of a Service as the API server would."""
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": spec}
    filled: dict[str, Any] = applied(manifest, "default")["spec"]
    return filled


@pytest.mark.parametrize(
    ("spec", "policy"),
    [
        ({"type": "LoadBalancer"}, "Cluster"),
        ({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}, "Local"),
        ({"type": "LoadBalancer", "externalTrafficPolicy": ""}, "Cluster"),
        ({"type": "NodePort"}, "Cluster"),
        ({"externalIPs": ["192.0.2.1"]}, "Cluster"),
        ({}, None),
        ({"type": None}, None),
        ({"type": "ExternalName", "externalIPs": ["192.0.2.1"]}, None),
    ],
)
def test_external_traffic_policy(spec: dict[str, Any], policy: str | None) -> None:
    """Every Service that can be reached from outside has a policy before any webhook sees it."""
    assert service(**spec).get("externalTrafficPolicy") == policy


def test_cluster_ip() -> None:
    """A Service without a spec becomes a ClusterIP."""
    assert service() == {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
    }


def test_external_name() -> None:
    """A name has no policies."""
    assert service(type="ExternalName") == {"type": "ExternalName", "sessionAffinity": "None"}


def test_ports() -> None:
    """A port's target is the port itself unless the manifest says another."""
    ports = service(ports=[{"port": 80}, {"port": 53, "protocol": "UDP", "targetPort": "dns"}])
    assert ports["ports"] == [
        {"port": 80, "protocol": "TCP", "targetPort": 80},
        {"port": 53, "protocol": "UDP", "targetPort": "dns"},
    ]


def test_last_applied() -> None:
    """The annotation holds the manifest as written, less itself, and the manifest stays."""
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "annotations": {LAST_APPLIED: "old", "x": None}},
    }
    created = applied(manifest, "shop")
    annotations = created["metadata"]["annotations"]
    assert json.loads(annotations.pop(LAST_APPLIED))["metadata"] == {
        "name": "a",
        "namespace": "shop",
        "annotations": {"x": ""},
    }
    assert annotations == {"x": ""}
    assert created["spec"] == {}
    assert manifest["metadata"]["annotations"][LAST_APPLIED] == "old"


def test_pod_of_template() -> None:
    """A controller takes labels and annotations from the template, and the name from itself."""
    template = {"metadata": {"name": "no", "labels": {"app": "x", "y": None}, "annotations": {}}}
    assert pod_of(template, "web", "shop") == {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "generateName": "web-",
            "namespace": "shop",
            "labels": {"app": "x", "y": ""},
        },
        "spec": {},
        "status": {},
    }


def test_containers_without_names() -> None:
    """A container of Knative's has the name that Knative gives it, unless it has its own."""
    spec: dict[str, Any] = {"containers": [{"image": "a"}, {"name": "b"}], "hostNetwork": True}
    assert named({"metadata": {}, "spec": spec}) == {
        "metadata": {},
        "spec": {
            "containers": [{"name": "user-container", "image": "a"}, {"name": "b"}],
            "hostNetwork": True,
        },
    }


@pytest.mark.parametrize("applier", [Applier.CREATE, Applier.HELM3])
def test_creation_leaves_no_sign(applier: Applier) -> None:
    """Who merely creates an object adds nothing to its metadata."""
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    assert applied(manifest, "shop", applier)["metadata"] == {"name": "a", "namespace": "shop"}


def test_live_object_keeps_its_own_signs() -> None:
    """What a cluster tells of an object's writers is what counts, and its namespace is its own."""
    metadata = {
        "name": "a",
        "namespace": "own",
        "uid": "u",
        "annotations": {LAST_APPLIED: "{}"},
        "managedFields": [{"operation": "Apply"}],
    }
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "status": {"a": 1}}
    created = recreated(manifest, "shop")
    assert created["metadata"] == metadata
    assert created["status"] == {"loadBalancer": {}}
