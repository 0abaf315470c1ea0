"""A mesh with the chart in it, what was there before, and an admin who asks what is wrong."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.cluster import Cluster, mesh
from tests.cluster.user import User
from tests.controlplane.absence import skipped_without_binaries
from tests.inspection import situations
from tests.inspection.admin import Admin


@pytest.fixture(scope="package")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    """The admin of a mesh in which applications were running when the chart was installed."""
    folder = tmp_path_factory.mktemp("inspection")
    with contextlib.ExitStack() as stack:
        with skipped_without_binaries():
            described = Cluster(folder / "cluster", images=mesh.IMAGES)
            user = User(folder, described.kubeconfig)
            cluster = stack.enter_context(described)
        found = Admin(cluster, user)
        settings = folder / "mesh.json"
        settings.write_text(json.dumps(situations.MESH))
        mesh.install_mesh(cluster, f"--filename={settings}")
        situations.make_before_chart(found)
        found.pass_a_second()
        mesh.install_chart(cluster, "--set=drain=1")  # nobody calls while a replica is replaced
        yield found
