"""What is said beside the rows."""

import json
from typing import Any

import pytest

from webhook.manifests.objects import Manifest, find_objects
from webhook.offline.remarks import remarks, unlabelled

KEY = "source-ip-preservation"
GATEWAY = "gateway.networking.k8s.io/v1"


def manifest(api_version: str, kind: str, **fields: Any) -> Manifest:
    """Make an object."""
    metadata = {"name": "x", **fields.pop("metadata", {})}
    body = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
    return find_objects("f", json.dumps(body)).manifests[0]


def gateway(name: str | None, annotations: dict[str, str] | None = None, **spec: Any) -> Manifest:
    """Make a Gateway of a class."""
    spec["gatewayClassName"] = name
    return manifest(GATEWAY, "Gateway", metadata={"annotations": annotations}, spec=spec)


BY_NAME = {"type": "Hostname", "value": "ingress.istio-gateways.svc.cluster.local"}
BY_ADDRESS = {"type": "IPAddress", "value": "192.0.2.1"}


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (gateway("istio"), "istiod makes its Service, in its namespace, when it is applied"),
        (gateway("istio", addresses=[]), "istiod makes its Service, in its namespace"),
        (gateway("istio", addresses=[BY_ADDRESS]), "istiod makes its Service, in its namespace"),
        (gateway("istio", addresses=[{"value": "192.0.2.1"}]), "istiod makes its Service"),
        (gateway("istio", addresses=[BY_NAME]), "it names the Service that it stands on"),
        (gateway("istio", addresses=[BY_NAME] * 2), "it names the Service that it stands on"),
        (
            gateway("istio", {"networking.istio.io/service-type": "ClusterIP"}),
            "istiod makes its Service, of type ClusterIP, and only load balancers are changed.",
        ),
        (gateway("istio-waypoint"), "a waypoint serves the mesh"),
        (gateway("istio-east-west"), "unless --east-west-gateways asks for it"),
        (gateway("istio-remote"), "nothing is made of it here"),
        (
            gateway("eg"),
            "the controller of class eg makes its Service, maybe in a names",
        ),
        (
            manifest("v1", "Namespace", metadata={"labels": {KEY: "Enabled"}}),
            (
                "its label source-ip-preservation has the value 'Enabled', which means "
                "nothing: write enabled, east-west, north-south, disabled."
            ),
        ),
        (manifest("v1", "Namespace", metadata={"labels": {KEY: "true"}}), "the value 'true'"),
        (manifest("v1", "Namespace", metadata={"labels": {KEY: ""}}), "the value ''"),
        (
            manifest(
                "apps/v1",
                "Deployment",
                metadata={"labels": {KEY: "disabled"}},
                spec={"template": {}},
            ),
            (
                "its own label source-ip-preservation means nothing, for Pods do not get "
                "it: write it into the labels of the pod template."
            ),
        ),
    ],
)
def test_remark(subject: Manifest, words: str) -> None:
    """Each gets the one sentence that fits."""
    (only,) = remarks([subject], KEY)
    assert only.startswith(f"{subject.title}: ")
    assert words in only


@pytest.mark.parametrize(
    "subject",
    [
        manifest("networking.istio.io/v1", "Gateway", spec={"selector": {"istio": "ingress"}}),
        manifest("v1", "Namespace"),
        manifest("v1", "Namespace", metadata={"labels": {KEY: "enabled"}}),
        manifest("v1", "Namespace", metadata={"labels": {KEY: True}}),
        manifest("v1", "ConfigMap", metadata={"labels": {KEY: "disabled"}}),
        manifest("v1", "ConfigMap", metadata={"labels": [KEY], "uid": "a"}),
        manifest("v1", "Pod", metadata={"labels": {KEY: "disabled"}}),
        manifest("v1", "Service", metadata={"labels": {KEY: "disabled"}}),
        manifest("apps/v1", "Deployment", spec={"template": {}}),
    ],
)
def test_nothing_to_remark(subject: Manifest) -> None:
    """What is in order, and what is not ours, gets none."""
    assert remarks([subject], KEY) == []


def test_unlabelled() -> None:
    """A namespace that comes without the label is named once, with the flag that asks for it."""
    known = {"shop": {"a": "b"}, "web": {KEY: "disabled"}, "unused": {}}
    (only,) = unlabelled(["shop", "shop", "web", "elsewhere"], known, KEY)
    assert only == (
        "Namespace/shop is among these files, without the label source-ip-preservation: "
        "--label shop=enabled shows what the label would do."
    )
