"""The root file system of a container: parts of the node's, and its volumes.

It is a tmpfs with the node's folders bound into it, in a mount namespace of the container's own: no
mount point is ever made on the node, and all of it goes away with the container's last process.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from tests.kubelet.plan import Bind
from tests.kubelet.syscalls import Mount, mount

# What programs need of a system. Not /etc as a whole: charts mount their volumes below it.
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr")
_KERNEL = ("/dev", "/proc", "/sys")
_CONFIGURATION = (
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/ssl",
)


def build(root: Path, binds: Iterable[Bind], *, read_only: bool) -> None:
    """Make the file system that a container is to see; the caller has a mount namespace of its own.

    Args:
        root: an empty folder to make it in.
        binds: the image's files and the volumes, an outer one before what is inside it.
        read_only: whether nothing can be written but volumes.

    Raises:
        OSError: something cannot be mounted.
    """
    # Or the node would see what is mounted here.
    mount("none", Path("/"), Mount.RECURSIVE | Mount.PRIVATE)
    # Open to every user, whatever the node's folders are: an image's files can be read by anyone.
    mount("tmpfs", root, Mount(0), "tmpfs", "mode=0755")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    for path in _SYSTEM + _CONFIGURATION:
        _copy(root, Path(path), read_only=True)
    for path in _KERNEL:
        _copy(root, Path(path), read_only=False)
    for bind in binds:
        _bind(root, Path(bind.source), bind.target, read_only=bind.read_only)
    if read_only:
        mount("none", root, Mount.REMOUNT | Mount.BIND | Mount.READ_ONLY)


def _copy(root: Path, path: Path, *, read_only: bool) -> None:
    """Have a path of the node in the container too, where the node has it."""
    if path.is_symlink():
        target = root / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path.readlink())
    elif path.exists():
        _bind(root, path, str(path), read_only=read_only)


def _bind(root: Path, source: Path, target: str, *, read_only: bool) -> None:
    """Let a path of the container be one of the node."""
    place = root / os.path.relpath(target, "/")
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    mount(source, place, Mount.BIND | Mount.RECURSIVE)
    if read_only:  # the kernel ignores the flag where the bind is made
        mount("none", place, Mount.REMOUNT | Mount.BIND | Mount.READ_ONLY)
