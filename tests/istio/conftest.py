"""Istio in a control plane, without our webhook, for all tests of this folder."""

import itertools
from collections.abc import Iterator

import pytest

from tests.controlplane import ControlPlane, JsonObject, wait_for
from tests.controlplane.absence import skipped_without_binaries
from tests.istio import Istio, Settings, binary

_NUMBERS = itertools.count()


@pytest.fixture(scope="package")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane the tests of this folder share; skipped without binaries, not so in CI."""
    with skipped_without_binaries():
        binary.command("pilot-discovery")
        described = ControlPlane(tmp_path_factory.mktemp("controlplane"))
    with described as running:
        yield running


@pytest.fixture(scope="package")
def shared_istio(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Istio]:
    """An Istio the tests of this folder share."""
    with Istio(plane, tmp_path_factory.mktemp("istio")) as running:
        yield running


@pytest.fixture
def istio(shared_istio: Istio) -> Iterator[Istio]:
    """Istio with its own default settings, which it gets back after the test."""
    yield shared_istio
    if shared_istio.settings != Settings():
        shared_istio.configure()


def make_namespace(plane: ControlPlane, **labels: str) -> str:
    """Make a namespace with labels, an underscore for a hyphen, and return its name."""
    name = f"n{next(_NUMBERS)}"
    named = {key.replace("_", "-"): value for key, value in labels.items()}
    plane.api.json("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": named}})
    wait_for(lambda: plane.find("ServiceAccount", "default", name), 60, "the ServiceAccount")
    return name


def make_pod(plane: ControlPlane, namespace: str, **annotations: str) -> JsonObject:
    """Make a Pod and return it; an annotation without a prefix is one of the sidecar's."""
    body = {
        "metadata": {
            "generateName": "app-",
            "annotations": {f"sidecar.istio.io/{key}": each for key, each in annotations.items()},
        },
        "spec": {"containers": [{"name": "app", "image": "example.org/app"}]},
    }
    return plane.api.json("POST", f"/api/v1/namespaces/{namespace}/pods", body)


def injected_pod(plane: ControlPlane, **annotations: str) -> JsonObject:
    """Make a Pod where the default installation injects."""
    return make_pod(plane, make_namespace(plane, istio_injection="enabled"), **annotations)
