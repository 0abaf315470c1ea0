"""Root directories in a mount namespace of one's own, which end with the last process in it.

The machine's own files stand in for the base image, with the Python that runs the tests as
``python``. Only for a process that was started by ``unshare --mount``.
``unshare --mount python -m tests.image.root FOLDER`` tells whether the machine lets us.
"""

import os
import subprocess
import sys
from pathlib import Path

_OWN = ("proc", "dev")


def writable(folder: Path) -> tuple[Path, Path]:
    """Make a root over the machine's own; nothing that is written there reaches the machine.

    Args:
        folder: Where to make it; its file system is one in memory.

    Returns:
        The root, and the folder that collects what is written.
    """
    _mount("-t", "tmpfs", "tmpfs", folder)
    root, upper, work = folder / "root", folder / "upper", folder / "work"
    for made in (root, upper, work):
        made.mkdir()
    _mount("-t", "overlay", "overlay", root, f"-olowerdir=/,upperdir={upper},workdir={work}")
    _bind(root)
    _install_python(root)
    return root, upper


def read_only(folder: Path, layer: Path, volumes: dict[str, Path], *, temporary: bool) -> Path:
    """Make a root of a layer over the machine's own, which nobody can write to.

    Args:
        folder: As above.
        layer: What an image has of its own.
        volumes: Folders that are mounted, by their places.
        temporary: Whether ``/tmp`` is a folder in memory, which anybody can write to.
    """
    root, _ = writable(folder)
    for path in layer.iterdir():
        _mount_read_only(path, root / path.name)
    for place, volume in volumes.items():
        _mount_read_only(volume, root / place.lstrip("/"))
    _mount("-o", "remount,ro", root)
    if temporary:
        _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", root / "tmp")
    return root


def _mount_read_only(folder: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    _mount("--bind", folder, place)
    _mount("-o", "remount,bind,ro", place)


def _install_python(root: Path) -> None:
    """Have a ``python`` with pip, like the base image's, that any user can start."""
    python = root / "usr/local/bin/python"
    python.unlink(missing_ok=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for folder in Path(sys.base_prefix).parents:
        inside = root / folder.relative_to("/")
        inside.chmod(inside.stat().st_mode | 0o011)


def _bind(root: Path) -> None:
    for name in _OWN:
        _mount("--rbind", f"/{name}", root / name)


def _mount(*arguments: str | os.PathLike[str]) -> None:
    subprocess.run(["mount", *arguments], check=True)  # noqa: S603, S607


if __name__ == "__main__":
    here, _ = writable(Path(sys.argv[1]))
    subprocess.run(["chroot", str(here), "python", "--version"], check=True)  # noqa: S603, S607
