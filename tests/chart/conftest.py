"""API servers that know what the chart needs."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.chart.helm import NAMESPACE, Cluster, Json
from tests.chart.thief import ACCOUNT, CONFIGURATION, SECRET, Thief, every_right
from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.e2e.policy.planes import control_plane
from webhook.cluster import access
from webhook.cluster.client import Client

RESTRICTED = "restricted"
DEADLINE = 60.0

OPERATORS = {
    "cert-manager.io": ("v1", ["Certificate", "Issuer"]),
    "monitoring.coreos.com": ("v1", ["PrometheusRule", "ServiceMonitor"]),
}
"""Kinds that operators bring along. Of these objects the API server checks the metadata only: the
definitions here take any field."""


@pytest.fixture(scope="package")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server of the newest Kubernetes, or of the older one that EMULATED_VERSION names."""
    with skipped_without_binaries():
        described = control_plane(tmp_path_factory.mktemp("controlplane"))
    with described as running:
        things = [
            _namespace(NAMESPACE),
            _namespace(RESTRICTED, {"pod-security.kubernetes.io/enforce": "restricted"}),
            *(
                definition(group, version, kind)
                for group, (version, kinds) in OPERATORS.items()
                for kind in kinds
            ),
        ]
        apply(running, things)
        running.wait_for(lambda: _all_served(running), DEADLINE, "the operators' kinds")
        yield running


@pytest.fixture(scope="module")
def restricted(plane: ControlPlane) -> Iterator[ControlPlane]:
    """The chart, installed by Helm, with a ServiceAccount that RBAC allows everything."""
    helm = Cluster(plane.kubeconfig)
    helm.apply()
    apply(plane, every_right())
    for path in (CONFIGURATION, SECRET):
        Thief(plane.api, path).wait_until_refused(DEADLINE)
    yield plane
    helm.uninstall()
    for right in every_right():
        plane.kubectl("delete", right["kind"], right["metadata"]["name"])


@pytest.fixture
def client(restricted: ControlPlane) -> Iterator[Client]:
    """The product's own client, with the ServiceAccount's token."""
    path = restricted.kubeconfig_for(ACCOUNT, NAMESPACE)
    client = Client(lambda: access.load(path))
    yield client
    client.close()


def apply(plane: ControlPlane, things: list[Json]) -> None:
    """Apply objects as an admin, server-side."""
    for thing in things:
        plane.api.apply(thing)


def _namespace(name: str, labels: dict[str, str] | None = None) -> Json:
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _all_served(plane: ControlPlane) -> bool:
    """Tell whether objects of every operator's kind can be listed, a moment after it is known."""
    paths = [
        f"/apis/{group}/{version}/{_plural(kind)}"
        for group, (version, kinds) in OPERATORS.items()
        for kind in kinds
    ]
    return all(plane.request("GET", path).status == HTTPStatus.OK for path in paths)


def _plural(kind: str) -> str:
    return f"{kind.lower()}s"


def definition(group: str, version: str, kind: str) -> Json:
    """Define a kind of namespaced objects that may have any field."""
    plural = _plural(kind)
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": anything},
                }
            ],
        },
    }
