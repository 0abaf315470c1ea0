"""Stores of images as containerd keeps them: made once, copied by hard links for each node."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.controlplane import JsonObject
from tests.images import building, containerd
from tests.images.places import FOLDER
from tests.images.programs import ProgramFailedError, require, run

_STORES: Final = FOLDER / "stores"
_KEPT: Final = 3
"""A test that runs may still copy a store that is no longer the newest."""
_DATABASES: Final = ("meta.db", "metadata.db")


def copy(store: Path, target: Path) -> None:
    """Copy a store: databases whole, files by hard links; containerd never writes to one again.

    Args:
        store: What `prepare` returned.
        target: The root of another containerd; it is not there yet. On the file system of `store`
            this takes a fraction of a second and no room.
    """
    try:
        run(["cp", "--archive", "--link", store, target])
    except ProgramFailedError:  # another file system, or the same by another mount
        shutil.rmtree(target, ignore_errors=True)
        run(["cp", "--archive", store, target])
    for name in _DATABASES:
        for database in target.glob(f"*/{name}"):
            contents = database.read_bytes()
            database.unlink()
            database.write_bytes(contents)
            database.chmod(0o600)


def holding(keyed: dict[str, str], progress: Callable[[str], object]) -> Path:
    """Return a store that has images, all of them unpacked.

    Args:
        keyed: The images and their keys; they have been built.
        progress: Told what is being done.

    Raises:
        ProgramMissingError: containerd is not there.
        ProgramFailedError: It failed.
    """
    known = _known()
    for store in known:
        if keyed.items() <= _listed(store).items():
            return store / "root"
    require("containerd", "ctr", "runc", "unshare")
    before = _listed(known[0]) if known else {}
    new = {image: key for image, key in keyed.items() if before.get(image) != key}
    _STORES.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=_STORES, prefix="unfinished-"))
    try:
        if known:
            copy(known[0] / "root", work / "root")
        _import(work, list(new), progress)
        (work / "images.json").write_text(json.dumps({**before, **keyed}, indent=2))
        store = _STORES / f"{_number(known[0]) + 1 if known else 1}"
        work.rename(store)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for old in _known()[_KEPT:]:
        shutil.rmtree(old)
    return store / "root"


def _known() -> list[Path]:
    """Return the stores there are, the newest first."""
    return sorted(_STORES.glob("[0-9]*"), key=_number, reverse=True)


def _number(store: Path) -> int:
    return int(store.name)


def _listed(store: Path) -> dict[str, str]:
    listed: dict[str, str] = json.loads((store / "images.json").read_text())
    return listed


def _import(work: Path, images: list[str], progress: Callable[[str], object]) -> None:
    layout = work / "layout"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifests = []
    for image in images:
        progress(f"exporting {image}")
        exported = work / "exported"
        building.export(image, exported)
        manifests.append(_add(image, exported, blobs))
        shutil.rmtree(exported)
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    progress("unpacking " + ", ".join(images))
    with containerd.running(work / "root") as daemon:
        daemon.load(layout)
    shutil.rmtree(layout)


def _add(image: str, exported: Path, blobs: Path) -> JsonObject:
    """Move an image into OCI's layout, where images share their layers; return its descriptor.

    Source: the image-layout and descriptor pages of the OCI image specification.
    """
    manifest = json.loads((exported / "manifest.json").read_bytes())
    for part in (manifest["config"], *manifest["layers"]):
        digest = part["digest"].removeprefix("sha256:")
        (exported / digest).rename(blobs / digest)
    contents = (exported / "manifest.json").read_bytes()
    digest = hashlib.sha256(contents).hexdigest()
    (blobs / digest).write_bytes(contents)
    return {
        "mediaType": manifest["mediaType"],
        "digest": f"sha256:{digest}",
        "size": len(contents),
        "annotations": {"io.containerd.image.name": image},
    }
