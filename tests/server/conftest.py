"""Certificates and webhook servers for the tests of this folder."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.server.running import Labelled, Running, running
from webhook.settings import (
    CertificateFiles,
    Certificates,
    Listening,
    LogFormat,
    Logs,
    Settings,
    Shutdown,
)


@dataclasses.dataclass
class Files:
    """The files of a serving certificate, which a test can replace."""

    folder: Path
    ca: Path

    @property
    def pair(self) -> CertificateFiles:
        """Where the server reads them."""
        return CertificateFiles(certificate=self.folder / "tls.crt", key=self.folder / "tls.key")

    def write(self, leaf: trustme.LeafCert) -> None:
        """Put a leaf in place."""
        leaf.private_key_pem.write_to_path(self.pair.key)
        leaf.cert_chain_pems[0].write_to_path(self.pair.certificate)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An authority that tests issue leaves from."""
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> Files:
    """A good pair for localhost, in files."""
    return good_files(tmp_path, authority)


@pytest.fixture
def fresh_server(files: Files) -> Iterator[Running]:
    """A webhook server of this test's own, for tests that change its certificate or stop it."""
    with running(settings_for(files), Labelled(), files.ca) as result:
        yield result


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Running]:
    files = good_files(tmp_path_factory.mktemp("shared"), authority)
    with running(settings_for(files), Labelled(), files.ca) as result:
        yield result


@pytest.fixture
def server(_server: Running) -> Running:
    """A webhook server that is up, shared because starting takes longer than most tests."""
    _server.reset()
    return _server


@pytest.fixture
def events() -> Iterator[list[EventDict]]:
    """What is logged."""
    with capture_logs() as events:
        yield events


def good_files(folder: Path, authority: trustme.CA) -> Files:
    """Write a good pair for localhost."""
    files = Files(folder, folder / "ca.crt")
    authority.cert_pem.write_to_path(files.ca)
    files.write(authority.issue_cert("localhost", "127.0.0.1"))
    return files


def settings_for(files: Files) -> Settings:
    """Make settings for a webhook server on free ports of loopback.

    Its log goes through structlog, where tests can see it; as JSON decisions would not.
    """
    return Settings(
        certificates=Certificates(source=files.pair),
        listening=Listening(host="127.0.0.1", port=0, ops_port=0),
        shutdown=Shutdown(drain=0.1, grace=5),
        logs=Logs(format=LogFormat.CONSOLE),
    )
