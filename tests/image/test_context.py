"""What a build sees of the repository, told by buildah itself."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.images import building
from tests.images.places import REPOSITORY

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("store")]

NAME = "localhost/context:test"
LEFT_OUT = shutil.ignore_patterns(
    *(".build", ".venv", ".git", "__pycache__", ".hypothesis", ".*_cache", ".coverage*")
)
"""Too big to copy, or written by other tests meanwhile."""


def test_context_has_only_what_is_copied(tmp_path: Path) -> None:
    """Of the repository a build sees the packages, the requirements and the licence."""
    copied = tmp_path / "repository"
    shutil.copytree(REPOSITORY, copied, ignore=LEFT_OUT, symlinks=True)
    for name in (".build/x", ".venv/x", ".git/config", "webhook/__pycache__/x.pyc"):
        (copied / name).parent.mkdir(exist_ok=True)
        (copied / name).write_text("x")
    containerfile = tmp_path / "Containerfile"
    containerfile.write_text("FROM scratch\nCOPY . /\n")
    building.buildah("bud", "--quiet", f"--file={containerfile}", f"--tag={NAME}", copied)
    building.export(NAME, tmp_path / "image")
    building.buildah("rmi", NAME)

    (layer,) = json.loads((tmp_path / "image" / "manifest.json").read_text())["layers"]
    with tarfile.open(tmp_path / "image" / layer["digest"].removeprefix("sha256:")) as archive:
        files = {member.name for member in archive if member.isfile()}
    packages = {name for name in files if name.startswith(("certs/", "webhook/"))}

    assert files - packages == {"LICENSE", "requirements/run.txt"}
    assert {"certs/__init__.py", "webhook/__main__.py", "webhook/offline/guide/httpbin.yaml"} <= (
        packages
    )
    assert not [name for name in packages if "__pycache__" in name]
