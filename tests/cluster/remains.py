"""What a run may have left on the machine."""

import dataclasses
from pathlib import Path

from tests.controlplane.leftovers import processes_naming


@dataclasses.dataclass(frozen=True)
class Machine:
    """What the machine has that a cluster could add to."""

    mounts: frozenset[str]
    namespaces: frozenset[str]


def of_the_machine() -> Machine:
    """Note down what there is."""
    mounts = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    netns = Path("/run/netns")
    names = (path.name for path in netns.iterdir()) if netns.is_dir() else ()
    return Machine(frozenset(mounts), frozenset(names))


def since(before: Machine, folder: str) -> list[str]:
    """Name what has been added: mounts, network namespaces, cgroups, processes.

    Args:
        before: What there was.
        folder: The run's own, which all of its processes name.
    """
    now = of_the_machine()
    return [
        *(f"mount {each}" for each in sorted(now.mounts - before.mounts)),
        *(f"network namespace {each}" for each in sorted(now.namespaces - before.namespaces)),
        *(f"cgroup {each}" for each in _forgotten_cgroups()),
        *(f"process {each}" for each in processes_naming(folder)),
    ]


def _forgotten_cgroups() -> list[Path]:
    """Find the cgroups of clusters whose keeper has ended; they are named after its process."""
    mounted, name = Path("/sys/fs/cgroup"), "source-ip-[0-9]*"
    found = [*mounted.glob(name), *mounted.glob(f"*/{name}")]  # version 2, and version 1
    ended = [each for each in found if not Path("/proc", each.name.split("-")[2]).exists()]
    # A keeper removes its cgroups before it ends, which may be after they were found.
    return [each for each in ended if each.exists()]
