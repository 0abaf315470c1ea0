"""The built image, and a containerd that has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests import images
from tests.controlplane.absence import skipped_without_binaries
from tests.image.containers import Containers
from tests.images import names
from tests.images.containerd import running

NAMESPACES = """
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {source-ip-preservation: enabled}}
"""


@pytest.fixture(scope="session")
def store() -> Path:
    """Build the image; without root or a program the tests are skipped, in CI they fail."""
    with skipped_without_binaries():
        return images.prepare([names.WEBHOOK])


@pytest.fixture(scope="session")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate and a list of namespaces, as a Secret is mounted."""
    folder = tmp_path_factory.mktemp("volume")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    leaf.private_key_pem.write_to_path(folder / "tls.key")
    leaf.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    (folder / "namespaces.yaml").write_text(NAMESPACES)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def containers(
    store: Path, volume: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containers]:
    """Run a containerd on a copy of the store."""
    root = tmp_path_factory.mktemp("containerd") / "root"
    images.copy(store, root)
    with running(root) as daemon:
        yield Containers(daemon, volume)
