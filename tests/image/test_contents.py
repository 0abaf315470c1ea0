"""What is in the image: how much, whose, and what of it is packages."""

import json
import re
from pathlib import Path

import pytest

from tests.controlplane import JsonObject
from tests.image import bill_of_materials
from tests.image.containers import Containers
from tests.images.places import REPOSITORY

pytestmark = pytest.mark.e2e

MOST_BYTES = 90_000_000
STICKY = {"/tmp", "/var/tmp"}  # noqa: S108
"""Folders of Debian that anybody may write to, where the root is not read-only."""


@pytest.fixture(scope="module")
def inventory(containers: Containers) -> JsonObject:
    """Look at every file."""
    return bill_of_materials.inventory(containers)


def test_size(inventory: JsonObject) -> None:
    """Our own layer has at most 90 MB."""
    assert inventory["app_bytes"] <= MOST_BYTES


def test_only_what_runs(inventory: JsonObject) -> None:
    """The layer has the program with its byte code and what it depends on: no pip, no tests."""
    app = set(inventory["app"])
    version = "".join(map(str, inventory["version"]))

    assert {"LICENSE", "bin", "cache", "lib", "src"} <= {path for path in app if "/" not in path}
    assert {path for path in app if re.fullmatch("src/[^/]+", path)} == {"src/certs", "src/webhook"}
    assert f"cache/app/src/webhook/__main__.cpython-{version}.pyc" in app
    assert not [path for path in app if "__pycache__" in path]
    assert "src/webhook/offline/guide/httpbin.yaml" in app
    assert not [path for path in app if re.search(r"/(pip|setuptools)/__init__\.py", path)]


def test_packages_are_the_ones_that_are_pinned(inventory: JsonObject) -> None:
    """Every package is the one in requirements/run.txt, and what is missing is on purpose."""
    pinned = dict(
        re.findall(
            r"^([a-z0-9-]+)==(\S+)",
            (REPOSITORY / "requirements" / "run.txt").read_text(),
            re.MULTILINE,
        )
    )
    found = {bill_of_materials.normalised(name): version for name, version in inventory["python"]}

    assert found.items() <= pinned.items()
    assert pinned.keys() - found.keys() == bill_of_materials.removed()


def test_nothing_is_writable(inventory: JsonObject) -> None:
    """Whoever takes the process over can change no file and no folder of the image."""
    assert set(inventory["writable"]) == STICKY


def test_bill_of_materials(inventory: JsonObject, tmp_path: Path) -> None:
    """The list of what is in the image names every package of both kinds with its version."""
    bill_of_materials.write(inventory, tmp_path / "sbom.json")
    components = json.loads((tmp_path / "sbom.json").read_text())["components"]
    listed = {component["purl"] for component in components}

    assert len(listed) == len(inventory["python"]) + len(inventory["debian"])
    assert any(purl.startswith("pkg:pypi/cryptography@") for purl in listed)
    assert any(purl.startswith("pkg:deb/debian/libc6@") for purl in listed)
