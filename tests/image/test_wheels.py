"""Wheels for the architectures that the image is built for."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.images.places import REPOSITORY

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_wheels_for_every_architecture(machine: str, tmp_path: Path) -> None:
    """For the Python of the image every dependency has a wheel, on amd64 and on arm64."""
    text = (REPOSITORY / "Dockerfile").read_text()
    version = text.partition("library/python:")[2].partition("-slim")[0]
    platforms = [f"--platform=manylinux_2_{glibc}_{machine}" for glibc in (17, 28, 34)]
    done = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"),
            *("--require-hashes", "--only-binary", ":all:", "--target", tmp_path),
            *(f"--python-version={version}", "--implementation=cp", *platforms),
            *("--requirement", REPOSITORY / "requirements" / "run.txt"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
