"""Files that change all at once, in kubelet's layout.

A folder holds `..data`, a link to a folder whose name is a time, and for each file a link through
it: `tls.crt -> ..data/tls.crt`. An update makes a new folder and moves `..data` (type AtomicWriter
in pkg/volume/util of Kubernetes). Who watches a file sees `..data` replaced, not the file written.
"""

import datetime as dt
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_DATA = "..data"


@dataclass(frozen=True)
class File:
    """One file of a volume.

    Attributes:
        content: all of it.
        mode: permission bits.
        user: who owns it.
        group: its group.
    """

    content: bytes
    mode: int = 0o644
    user: int = 0
    group: int = 0


def write(folder: Path, files: Mapping[str, File]) -> None:
    """Make the visible files of a folder be these and no others.

    Args:
        folder: which exists; nobody else writes to it.
        files: by path below the folder.
    """
    # Colons are not in the names that kubelet chooses, and no two updates share a microsecond.
    fresh = folder / dt.datetime.now(dt.UTC).strftime("..%Y_%m_%d_%H_%M_%S.%f")
    for name, file in files.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(file.content)
        os.chown(path, file.user, file.group)
        path.chmod(file.mode)
    fresh.mkdir(exist_ok=True)
    data = folder / _DATA
    before = folder / data.readlink() if data.is_symlink() else None
    moving = folder / "..data_tmp"
    moving.symlink_to(fresh.name)
    moving.rename(data)
    _link(folder, {Path(name).parts[0] for name in files})
    if before is not None:
        shutil.rmtree(before)


def _link(folder: Path, names: set[str]) -> None:
    """Have a link for each name, and for no other."""
    for link in folder.iterdir():
        if not link.name.startswith("..") and link.name not in names:
            link.unlink()
    for name in names:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"{_DATA}/{name}")
