"""The real kubectl finds the plugin, runs it, and completes it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import kubectl
from tests.controlplane.absence import skipped_without_binaries
from tests.controlplane.components import find

pytestmark = pytest.mark.e2e
PROGRAMS = Path(sys.executable).parent
"""Where the environment has the console scripts."""


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    """Give kubectl a home without a kubeconfig; skip these tests where there is no kubectl."""
    with skipped_without_binaries():
        find("kubectl")
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def run(home: str, *arguments: str) -> str:
    """Run kubectl with the plugin in the PATH, and return what it prints."""
    done = kubectl.run(
        find("kubectl"),
        arguments,
        environment={"HOME": home, "PATH": os.pathsep.join([str(PROGRAMS), os.defpath])},
        stdin=None,
        timeout_seconds=60.0,
        check=True,
    )
    return done.stdout


def test_kubectl_finds_the_plugin(home: str) -> None:
    """It is among the plugins that kubectl lists."""
    assert f"{PROGRAMS}/kubectl-source_ip" in run(home, "plugin", "list")


def test_kubectl_runs_the_plugin(home: str) -> None:
    """Words after its name are its own, and it calls itself as it was called."""
    shown = run(home, "source-ip", "audit", "--help")

    assert shown.startswith("Usage: kubectl source-ip audit [OPTIONS]")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("aud",), ["audit", ":4"]),
        (("audit", "-o", "j"), ["json", ":4"]),
        (("audit", "--kubeconfig", ""), [":0"]),
    ],
)
def test_kubectl_completes_the_plugin(
    home: str, words: tuple[str, ...], expected: list[str]
) -> None:
    """What the plugin offers is what kubectl offers to the shell."""
    lines = run(home, "__complete", "source-ip", *words).splitlines()

    assert [line.partition("\t")[0] for line in lines] == expected
