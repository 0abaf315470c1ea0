"""The cgroups of a cluster's nodes: one for each in every hierarchy, and nothing left of them.

Two kubelets on one machine must not share a root, or each ends the other's Pods.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

_MOUNTED = Path("/sys/fs/cgroup")
_PREFIX = "source-ip-"
_CONTROLLERS = "+cpu +cpuset +memory +pids"
_REMOVAL_SECONDS = 20.0


def name_for(keeper: int) -> str:
    """Return the name of a cluster's cgroup.

    Args:
        keeper: the process id of the one that removes it.
    """
    return f"{_PREFIX}{keeper}"


def make(name: str, nodes: list[str]) -> None:
    """Make the cgroups of a cluster: version 2, or every hierarchy of version 1.

    Args:
        name: the cluster's.
        nodes: the names of those below it.

    Raises:
        OSError: the machine does not let us.
    """
    for hierarchy in _hierarchies():
        for path in (hierarchy / name, *(hierarchy / name / node for node in nodes)):
            _make_one(path)


def _make_one(path: Path) -> None:
    """Make one, with what its parent may use."""
    path.mkdir()
    controllers = path.parent / "cgroup.subtree_control"
    if (path.parent / "cgroup.controllers").exists() and _unified():
        controllers.write_text(_CONTROLLERS, encoding="ascii")
    for file in ("cpuset.cpus", "cpuset.mems"):
        # In version 1 these begin empty, and then no process may enter.
        if not _unified() and (path / file).exists():
            (path / file).write_text((path.parent / file).read_text(encoding="ascii"))


def processes(name: str, node: str, container: str = "") -> list[int]:
    """Return the processes of a node's containers, as the caller's PID namespace numbers them.

    Args:
        name: the cluster's cgroup.
        node: the node's name.
        container: identity of the only one that is asked for; empty for all.
    """
    hierarchy = _MOUNTED if _unified() else _MOUNTED / "pids"
    found: list[int] = []
    # Not by rglob, which fails where a folder is removed meanwhile.
    for folder, _, _ in os.walk(hierarchy / name / node):
        if container not in folder:
            continue
        with contextlib.suppress(OSError):
            text = Path(folder, "cgroup.procs").read_text(encoding="ascii")
            found += [int(line) for line in text.split()]
    return [pid for pid in found if pid]  # 0 is a process of another namespace


def remove(name: str) -> None:
    """Remove what `make` made, and what kubelet and runc made in it.

    Raises:
        TimeoutError: a process is still in one of them.
    """
    deadline = time.monotonic() + _REMOVAL_SECONDS
    for hierarchy in _hierarchies():
        while not _removed(hierarchy / name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{hierarchy / name} is still in use")
            time.sleep(0.02)  # a process that was killed leaves its cgroup a moment later


def remove_forgotten() -> None:
    """Remove the cgroups of clusters whose keeper was killed."""
    for path in _MOUNTED.glob(f"{_PREFIX}*" if _unified() else f"*/{_PREFIX}*"):
        keeper = path.name.removeprefix(_PREFIX)
        if keeper.isdecimal() and not Path("/proc", keeper).exists():
            _removed(path)


def _removed(root: Path) -> bool:
    if not root.exists():
        return True
    for folder, _, _ in os.walk(root, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 - a string from os.walk
    return not root.exists()


def _unified() -> bool:
    return (_MOUNTED / "cgroup.controllers").exists()


def _hierarchies() -> Iterator[Path]:
    if _unified():
        yield _MOUNTED
        return
    for path in _MOUNTED.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield path
