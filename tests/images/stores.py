"""Stores of images as containerd keeps them: made once, copied by hard links for each node."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.images import building
from tests.images.places import FOLDER
from tests.images.programs import ProgramFailedError, in_own_mounts, require, run, variables
from tests.waiting import wait_for

NAMESPACE: Final = "k8s.io"
"""Of containerd's; kubelet's images are in it."""

_STORES: Final = FOLDER / "stores"
_KEPT: Final = 3
"""A test that runs may still copy a store that is no longer the newest."""
_DATABASES: Final = ("meta.db", "metadata.db")
_START_SECONDS: Final = 30.0


def copy(store: Path, target: Path) -> None:
    """Copy a store: databases whole, files by hard links; containerd never writes to one again.

    Args:
        store: What `prepare` returned.
        target: The root of another containerd; it is not there yet. On the file system of `store`
            this takes a fraction of a second and no room.
    """
    linked = ("--link",) if store.stat().st_dev == target.parent.stat().st_dev else ()
    run(["cp", "--archive", *linked, store, target])
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
    for image in images:
        progress(f"exporting {image}")
        building.export(image, layout)
    _name_for_containerd(layout / "index.json")
    progress("unpacking " + ", ".join(images))
    with (
        _containerd(work / "root") as address,
        subprocess.Popen(  # noqa: S603
            ["tar", "-C", layout, "-cf", "-", "."],  # noqa: S607
            stdout=subprocess.PIPE,
        ) as archive,
    ):
        run(_ctr(address, "images", "import", "-"), stdin=archive.stdout)
    shutil.rmtree(layout)


def _name_for_containerd(index: Path) -> None:
    """Say the names of images in full: containerd takes the ones that OCI knows for tags."""
    said = json.loads(index.read_text())
    for manifest in said["manifests"]:
        annotations = manifest["annotations"]
        annotations["io.containerd.image.name"] = annotations["org.opencontainers.image.ref.name"]
    index.write_text(json.dumps(said))


def _ctr(address: Path, *arguments: str) -> list[str | Path]:
    return ["ctr", "--address", address, "--namespace", NAMESPACE, *arguments]


@contextlib.contextmanager
def _containerd(root: Path) -> Iterator[Path]:
    """Run a containerd of one's own on a root; yield the path of its socket."""
    # Not below .build: the path of a socket may have no more than 107 characters.
    with tempfile.TemporaryDirectory(prefix="images-") as state:
        configuration, log = Path(state, "containerd.toml"), Path(state, "log")
        address = Path(state, "containerd.sock")
        configuration.write_text(_configuration(root, Path(state), address))
        command = in_own_mounts("containerd", "--config", configuration)
        with (
            log.open("wb") as output,
            subprocess.Popen(  # noqa: S603
                command, stdout=output, stderr=output, env=variables()
            ) as process,
        ):
            try:
                wait_for(lambda: _serves(address, process, log), _START_SECONDS, "containerd")
                yield address
            finally:
                process.terminate()


def _serves(address: Path, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise ProgramFailedError(f"containerd ended:\n{log.read_text()}")
    with contextlib.suppress(ProgramFailedError):
        return bool(run(["ctr", "--address", address, "--connect-timeout=1s", "version"]))
    return False


def _configuration(root: Path, state: Path, address: Path) -> str:
    quoted = {
        name: json.dumps(os.fspath(path))
        for name, path in {"root": root, "state": state / "state", "address": address}.items()
    }
    # kubelet's interface is not needed to import, and looks for a network.
    return f"""version = 2
root = {quoted["root"]}
state = {quoted["state"]}
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = {quoted["address"]}
"""
