"""Decisions about manifests."""

import json
from typing import Any

import pytest

from tests.unit.offline.previewing import deployment, foresee, reasons, text
from webhook.admission.options import Options
from webhook.labels import Mode
from webhook.manifests.objects import find_objects
from webhook.offline.apiserver import Applier
from webhook.offline.preview import build_preview
from webhook.offline.sources import guide

LABEL = "source-ip-preservation"
MODE = "sidecar.istio.io/interceptionMode"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

LB = text("Service", spec={"type": "LoadBalancer", "selector": {"app": "lb"}})
WEB = deployment({"metadata": {"labels": {"app": "x"}}})


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (LB, "added"),
        (text("Service"), "not-load-balancer"),
        (
            LB.replace('"LoadBalancer"', '"LoadBalancer", "externalTrafficPolicy": "Cluster"'),
            "explicit-cluster",
        ),
        (
            text("Service", spec={"type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
            "already-set",
        ),
        (text("Pod"), "added"),
        (text("Pod", spec={"hostNetwork": True}), "host-network"),
        (WEB, "added"),
        (deployment({"spec": None}), "added"),
        (deployment({"metadata": {"labels": {LABEL: "disabled"}}}), "opted-out"),
        (deployment({"metadata": {"annotations": {MODE: "REDIRECT"}}}), "explicit-mode"),
        (deployment({}, labels={LABEL: "disabled"}), "added"),
    ],
)
def test_reason(manifest: str, reason: str) -> None:
    """A manifest gets the decision that its object, or its Pod, gets from the server."""
    assert reasons(manifest) == [reason]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.ENABLED, ["added", "added"]),
        (Mode.EAST_WEST, ["namespace-not-opted-in", "added"]),
        (Mode.NORTH_SOUTH, ["added", "namespace-not-opted-in"]),
        (Mode.DISABLED, ["namespace-not-opted-in", "namespace-not-opted-in"]),
    ],
)
def test_assumed_label(mode: Mode, expected: list[str]) -> None:
    """A namespace that is not among the manifests is as assumed, and the preview says so."""
    assert reasons(LB, WEB, assume=mode) == expected
    assert foresee(LB, assume=mode).assumed == f"{LABEL}: {mode}"


def test_namespaces_among_the_manifests() -> None:
    """A namespace among the manifests has the labels that it has there."""
    opted_in = text("Namespace", metadata={"name": "shop", "labels": {LABEL: "enabled"}})
    plain = text("Namespace", metadata={"name": "plain", "labels": None})
    texts = (deployment({}, namespace="plain"), deployment({}, namespace="shop"), plain, opted_in)
    result = foresee(*texts, assume=Mode.DISABLED)
    assert [forecast.reason for forecast in result.forecasts] == ["namespace-not-opted-in", "added"]
    assert result.assumed == ""


def test_default_namespace() -> None:
    """An object that names no namespace goes where the user says."""
    result = foresee(WEB, deployment({}, namespace="shop"), namespace="web")
    assert [forecast.namespace for forecast in result.forecasts] == ["web", "shop"]


def test_options() -> None:
    """The admin's label key is the one that counts."""
    labels = {"example.com/source-ip": "disabled"}
    options = Options(label_key="example.com/source-ip")
    result = foresee(deployment({"metadata": {"labels": labels}}), options=options)
    assert result.forecasts[0].reason == "opted-out"
    assert result.assumed == "example.com/source-ip: enabled"


def test_forecast() -> None:
    """A forecast has the patch for the manifest itself, the warnings and the outlook."""
    conflict = deployment({"metadata": {"annotations": {MODE: "REDIRECT"}}})
    added, kept = foresee(WEB, conflict).forecasts
    assert added.patch == [
        {
            "op": "add",
            "path": "/spec/template/metadata/annotations",
            "value": {MODE: "TPROXY"},
        }
    ]
    assert (added.outcome, added.sees) == ("patched", "its client")
    assert added.sentence == "the setting was missing and has been added"
    assert (kept.outcome, kept.sees, kept.patch) == ("conflict", "127.0.0.6", [])
    assert "will see 127.0.0.6" in kept.warnings[0]


WRITTEN = {
    "type": "LoadBalancer",
    "selector": {"app": "x"},
    "externalTrafficPolicy": "Cluster",
}
CLUSTER = text("Service", spec=WRITTEN)
SILENT = text("Service", spec={"type": "LoadBalancer", "selector": {"app": "x"}})


@pytest.mark.parametrize(
    ("applier", "reason", "warning"),
    [
        (Applier.KUBECTL, "explicit-cluster", "externalTrafficPolicy Cluster is kept"),
        (Applier.SERVER_SIDE, "explicit-cluster", "externalTrafficPolicy Cluster is kept"),
        (Applier.CREATE, "added", "but a creation does not show that somebody wrote it"),
        (Applier.HELM3, "added", "becomes Local until the next helm upgrade"),
        (Applier.HELM4, "explicit-cluster", "externalTrafficPolicy Cluster is kept"),
    ],
)
def test_who_applies_it(applier: Applier, reason: str, warning: str) -> None:
    """A written Cluster is kept where it shows; where it does not, the loss is announced."""
    result = foresee(CLUSTER, applier=applier)
    (forecast,) = result.forecasts
    assert forecast.reason == reason
    (only,) = forecast.warnings
    assert warning in only
    assert ("Local" in result.baked()[0]) is (reason == "added")

    (silent,) = foresee(SILENT, applier=applier).forecasts
    assert (silent.reason, silent.warnings) == ("added", ())


def live(kind: str, metadata: dict[str, Any], **fields: Any) -> str:
    """Write an object as kubectl get -o yaml gives it."""
    return text(kind, metadata={"uid": "5c1a", "resourceVersion": "7", **metadata}, **fields)


APPLY_ENTRY = {
    "operation": "Apply",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:spec": {"f:externalTrafficPolicy": {}}},
}
UPDATE_ENTRY = {**APPLY_ENTRY, "operation": "Update"}
WROTE_CLUSTER = json.dumps({"spec": {"externalTrafficPolicy": "Cluster"}})


@pytest.mark.parametrize(
    ("metadata", "reason", "hidden"),
    [
        ({}, "added", True),
        ({"managedFields": [UPDATE_ENTRY]}, "added", False),
        ({"managedFields": [APPLY_ENTRY]}, "explicit-cluster", False),
        ({"annotations": {LAST_APPLIED: WROTE_CLUSTER}}, "explicit-cluster", False),
        ({"annotations": {LAST_APPLIED: "{}"}}, "added", False),
    ],
)
@pytest.mark.parametrize("applier", list(Applier))
def test_live_service(
    metadata: dict[str, Any], reason: str, hidden: bool, applier: Applier
) -> None:
    """A Service that a cluster gave is judged by what it tells itself, whoever might apply it."""
    result = foresee(live("Service", metadata, spec=WRITTEN), applier=applier)
    (forecast,) = result.forecasts
    assert forecast.reason == reason
    assert all("is kept" in warning for warning in forecast.warnings)
    assert "Service/x was read from a cluster: what exists stays as it is" in result.remarks[-1]
    assert ("managedFields are not there" in result.remarks[0]) is hidden


def test_live_pods() -> None:
    """A Pod that runs with a sidecar is told from one that is to be created."""
    injected = live("Pod", {"annotations": {"sidecar.istio.io/status": "{}"}})
    result = foresee(injected, live("Pod", {"namespace": "web"}), SILENT)
    assert [(each.reason, each.namespace) for each in result.forecasts] == [
        ("already-injected", "default"),
        ("added", "web"),
        ("added", "default"),
    ]
    assert result.remarks[0].startswith("2 of these objects were read from a cluster")
    assert foresee(live("ConfigMap", {})).remarks == []


def test_others() -> None:
    """What is neither Service nor workload is passed on, whatever it looks like."""
    result = foresee(text("ConfigMap"), text("Thing", metadata={"labels": 1, "namespace": [1]}))
    assert [manifest.kind for manifest in result.others] == ["ConfigMap", "Thing"]
    assert result.forecasts == []
    assert result.assumed == ""


def test_guide_is_mended() -> None:
    """The guide's workloads and its gateway get the settings, its cluster-internal Services not."""
    outlooks = {
        forecast.manifest.title: (forecast.reason, forecast.sees)
        for forecast in build_preview(guide()).forecasts
    }
    assert outlooks == {
        "Service/sleep": ("not-load-balancer", "-"),
        "Deployment/sleep": ("added", "its client"),
        "Service/httpbin": ("not-load-balancer", "-"),
        "Deployment/httpbin": ("added", "its client"),
        "Service/istio-ingressgateway": ("added", "its client"),
    }


def test_baked_is_set_already() -> None:
    """Baked manifests need nothing more, and baking them again changes nothing."""
    files = guide()
    texts = build_preview(files).baked()
    assert texts != [source.text for source in files]
    again = build_preview(
        [find_objects(name, baked) for name, baked in zip("abc", texts, strict=True)]
    )
    assert {forecast.reason for forecast in again.forecasts} == {"not-load-balancer", "already-set"}
    assert again.baked() == texts
