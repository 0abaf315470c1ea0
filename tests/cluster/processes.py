"""Processes, by what /proc says about them."""

import contextlib
import os
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the process ids of a process' children; none if it has ended."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(word) for word in text.split()]


def naming(text: str) -> list[int]:
    """Return the process ids of those whose command line has a text, without the caller's."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile
            if text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return [pid for pid in found if pid not in {os.getpid(), os.getppid()}]
