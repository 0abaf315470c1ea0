"""The system calls about namespaces and mounts that Python 3.11 has no function for."""

import ctypes
import os
from enum import IntEnum, IntFlag
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)


class Namespace(IntFlag):
    """Kinds of namespaces (linux/sched.h)."""

    MOUNT = 0x00020000
    UTS = 0x04000000
    NETWORK = 0x40000000


class Mount(IntFlag):
    """How to mount (linux/mount.h)."""

    READ_ONLY = 0x1
    REMOUNT = 0x20
    BIND = 0x1000
    RECURSIVE = 0x4000
    PRIVATE = 0x40000


class Process(IntEnum):
    """What prctl(2) changes about a process (linux/prctl.h)."""

    PARENT_DEATH_SIGNAL = 1
    DROP_FROM_BOUNDING_SET = 24
    NO_NEW_PRIVILEGES = 38


def unshare(kinds: Namespace) -> None:
    """Move the calling thread into new namespaces of these kinds.

    Raises:
        PermissionError: that takes CAP_SYS_ADMIN.
    """
    _check(_LIBC.unshare(int(kinds)), "unshare")


def enter(namespace: int) -> None:
    """Move the calling thread into a namespace.

    Args:
        namespace: a file descriptor of it.

    Raises:
        OSError: it is not one, or the caller may not.
    """
    _check(_LIBC.setns(namespace, 0), "setns")


def own_network() -> int:
    """Open the network namespace of the calling thread; the file descriptor keeps it alive."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def mount(source: Path | str, target: Path, how: Mount, kind: str = "none", data: str = "") -> None:
    """Attach a file system, or a part of one, to a place.

    Args:
        source: a file or folder to bind, or a name.
        target: where.
        how: flags.
        kind: of the file system, where one is made.
        data: its options.

    Raises:
        OSError: the kernel refused.
    """
    words = (str(source).encode(), str(target).encode(), kind.encode())
    options = data.encode() or None
    _check(_LIBC.mount(*words, ctypes.c_ulong(int(how)), options), f"mount {source} on {target}")


def control(what: Process, value: int) -> None:
    """Change something about the calling process.

    Raises:
        OSError: the kernel refused.
    """
    zero = ctypes.c_ulong(0)
    _check(_LIBC.prctl(int(what), ctypes.c_ulong(value), zero, zero, zero), f"prctl {what.name}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
