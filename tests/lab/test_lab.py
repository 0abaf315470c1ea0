"""The lab itself, with the shortest of the guide's cases: a real mesh, before and after."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.controlplane.absence import skipped_without_binaries
from tests.istio import binary as istio
from tests.lab import record

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]


def test_lab_shows_what_the_label_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`make lab` is green for the guide's first case, says why, and leaves nothing behind."""
    folder = tmp_path_factory.mktemp("lab")  # a short name: sockets in it have paths of 107 bytes
    with skipped_without_binaries():
        Cluster(folder / "cluster")  # looks for what a cluster needs
        istio.command("istioctl")
    written = folder / "run.json"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.lab", "--only", "east-west", "--json", str(written)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "all as expected, and nothing is left behind" in done.stdout
    answer = record.read(written).row("east-west", "ip")
    assert answer.before.seen == "127.0.0.6"
    assert answer.after.owner == "Pod sleep"
