"""A control plane for policies alone: no webhook, no controllers."""

from collections.abc import Iterator

import pytest

from tests.controlplane.absence import skipped_without_binaries
from tests.e2e.policy.judge import Judge, Verdict
from tests.e2e.policy.planes import control_plane, version


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Verdict]]:
    """What the API server makes of every situation.

    It has two families of addresses, and without the plugins that refuse Pods for what some of the
    situations are about.
    """
    with skipped_without_binaries():
        plane = control_plane(
            tmp_path_factory.mktemp("policies"),
            "--disable-admission-plugins=PodSecurity,RuntimeClass",
            "--service-cluster-ip-range=10.0.0.0/24,fd00::/112",
        )
    with plane:
        yield Judge(plane, version()).verdicts()
