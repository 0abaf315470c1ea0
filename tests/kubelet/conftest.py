"""A cluster of two Nodes whose Pods really run, for all tests of this folder."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.kubelet.kubelet import Kubelet
from tests.kubelet.network import ClusterNetwork
from tests.kubelet.privileges import cluster_network
from tests.kubelet.workload import IMAGE, Workload

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="package")
def network() -> Iterator[ClusterNetwork]:
    """A network of its own, which the tests of this folder are in."""
    with cluster_network() as network:
        yield network


@pytest.fixture(scope="package")
def plane(
    network: ClusterNetwork, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """A control plane in that network."""
    with skipped_without_binaries():
        described = ControlPlane(tmp_path_factory.mktemp("controlplane"), address=network.address)
    with described as running:
        yield running


@pytest.fixture
def namespace(plane: ControlPlane) -> str:
    """A namespace of a test's own."""
    name = f"n{next(_NUMBERS)}"
    plane.kubectl("create", "namespace", name)
    plane.wait_for(lambda: plane.find("ServiceAccount", "default", name), 30, "its account")
    return name


@pytest.fixture
def kubelet(
    plane: ControlPlane, network: ClusterNetwork, tmp_path: Path, namespace: str
) -> Iterator[Kubelet]:
    """A kubelet that runs the Pods of that namespace."""
    with Kubelet(plane, network, tmp_path, {"program": IMAGE}, [namespace]) as running:
        yield running


@pytest.fixture
def web(plane: ControlPlane, kubelet: Kubelet, namespace: str) -> Workload:
    """The Deployment to be, in that namespace."""
    return Workload(plane, kubelet, namespace)
