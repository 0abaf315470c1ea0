"""Runs in a container of the image and prints in JSON what the image has in it.

It is given to the image's Python as text: it imports nothing of ours. It runs as the image's user,
who cannot look into what belongs to root alone, and so cannot write there either.
"""

import importlib.metadata
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_MOUNTED = ("/proc", "/sys", "/dev", "/run", "/etc/source-ip-webhook")


def _walk(top: Path) -> Iterator[Path]:
    """Yield every file and folder, but for what is mounted."""
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        folders[:] = [name for name in folders if str(here / name) not in _MOUNTED]
        yield from (here / name for name in (*folders, *files))


def _writable(path: Path) -> bool:
    """Tell whether the image's user may write to something, if the root is not read-only."""
    state = path.lstat()
    if stat.S_ISLNK(state.st_mode):
        return False
    if state.st_uid == os.getuid():
        return True  # its owner can give itself every right
    group = state.st_gid == os.getgid() and state.st_mode & stat.S_IWGRP
    return bool(group or state.st_mode & stat.S_IWOTH)


def _debian() -> list[list[str]]:
    shown = "--showformat=${Package}\t${Version}\n"
    listed = subprocess.run(  # noqa: S603
        ["/usr/bin/dpkg-query", "--show", shown], check=True, capture_output=True, text=True
    )
    return [line.split("\t") for line in listed.stdout.splitlines()]


def _python() -> list[list[str]]:
    folders = [folder for folder in sys.path if folder.startswith("/app/")]
    found = importlib.metadata.distributions(path=folders)
    return sorted([package.metadata["Name"], package.version] for package in found)


def _size(folder: Path) -> int:
    """Return the bytes of all files, links counted once."""
    states = [path.lstat() for path in _walk(folder)]
    return sum({state.st_ino: state.st_size for state in states}.values())


if __name__ == "__main__":
    app = Path("/app")
    contents = {
        "app": [str(path.relative_to(app)) for path in _walk(app)],
        "app_bytes": _size(app),
        "writable": [str(path) for path in _walk(Path("/")) if _writable(path)],
        "python": _python(),
        "debian": _debian(),
        "version": list(sys.version_info[:2]),
    }
    sys.stdout.write(json.dumps(contents))
