"""A control plane of these tests' own, and the figures that they write down."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.e2e.certificates.deploying import deployed
from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.scenario import Record

_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
"""One line per request: what most clusters have, and no more than a load should write."""


@pytest.fixture(scope="package")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane in which no other test has registered anything."""
    folder = tmp_path_factory.mktemp("certificates")
    policy = folder / "audit.json"
    policy.write_text(json.dumps(_AUDIT))
    flag = f"--audit-policy-file={policy}"
    with skipped_without_binaries():
        described = ControlPlane(folder / "controlplane", apiserver_args=[flag])
    with described as running:
        yield running


@pytest.fixture(scope="module")
def steady(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """Two replicas whose certificates last for long, with short waits in a rotation."""
    name = Path(request.path).stem.removeprefix("test_").replace("_", "-")
    folder = tmp_path_factory.mktemp(name)
    with deployed(plane, folder, name, "--tls-propagation=1s", "--tls-overlap=3s") as deployment:
        deployment.start()
        deployment.wait_until_settled()
        yield deployment


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Write figures into the test's properties, and for whoever runs it with ``-s`` on screen."""

    def write(name: str, value: object) -> None:
        record_property(name, value)
        print(f"  {name}: {value}")  # noqa: T201

    return write
