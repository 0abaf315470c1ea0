"""The chart with backend policy, installed by Helm on a real API server."""

from pathlib import Path

import pytest

from tests.chart.conftest import DEADLINE
from tests.chart.helm import NAMESPACE, Cluster, Refused
from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.e2e.conftest import bare_pod, pods_of
from tests.e2e.objects import mode
from tests.e2e.registration import KEY

pytestmark = pytest.mark.e2e

SHOP = "policy-backend"
KINDS = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")


def created_mode(plane: ControlPlane) -> str | None:
    """Try what a new Pod of an opted-in namespace gets."""
    answer = plane.api.json("POST", f"{pods_of(SHOP)}?dryRun=All", bare_pod("web", SHOP))
    return mode(answer)


def test_backends_take_turns(plane: ControlPlane) -> None:
    """An upgrade goes from one backend to the other and back, and leaves nothing of the first."""
    namespace = {"metadata": {"name": SHOP, "labels": {KEY: "enabled"}}}
    plane.api.json("POST", "/api/v1/namespaces", namespace)
    helm = Cluster(plane.kubeconfig)
    helm.apply()
    assert plane.find("Deployment", "x-source-ip-webhook", NAMESPACE)

    helm.apply({"backend": "policy", "reportPolicy": {"enabled": True}})

    plane.wait_for(lambda: created_mode(plane) == "TPROXY", DEADLINE, "the policies to mutate")
    assert plane.api.items("Deployment", NAMESPACE) == []
    assert plane.find("MutatingWebhookConfiguration", "0-source-ip-webhook") is None
    names = {
        f"{NAMESPACE}.x-source-ip-webhook.{kind}{report}"
        for kind in ("pods", "services")
        for report in ("", ".report")
    }
    found = [
        thing["metadata"]["name"]
        for kind in ("MutatingAdmissionPolicy", "ValidatingAdmissionPolicy")
        for thing in plane.api.items(kind)
    ]
    assert set(found) == names

    helm.apply()

    assert [thing for kind in KINDS for thing in plane.api.items(kind)] == []
    plane.wait_for(lambda: created_mode(plane) is None, DEADLINE, "the policies to be gone")
    helm.uninstall()


def test_older_cluster(tmp_path: Path) -> None:
    """A cluster without the kinds refuses, by one sentence that says what to do."""
    with skipped_without_binaries():
        older = ControlPlane(tmp_path, controllers=False, emulated_version="1.34")
    with older:
        older.api.json("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        with pytest.raises(Refused, match=r"serves no MutatingAdmissionPolicy: [^;]+; "):
            Cluster(older.kubeconfig).apply({"backend": "policy"})
