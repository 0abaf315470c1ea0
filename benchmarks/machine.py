"""The machine that is measured on: what it is, and which of its cores does what."""

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import BenchmarkError

_SMALLEST: Final = 2
"""Cores that a measurement needs: one for the server, one for all else."""


class Machine(msgspec.Struct, frozen=True):
    """A machine, as a reader of a figure wants to know it."""

    processor: str
    """As Linux names it."""
    cores: int
    """That we may use."""
    memory_gib: float
    """All of it, in GiB."""
    kernel: str
    """Release of Linux, as 6.18: the rest of it says who built it, and tells a reader nothing."""
    python: str
    """Version of the interpreter that runs us."""
    load: float
    """Processes that wanted a core in the minute before, on average: 0 on a quiet machine."""


def describe() -> Machine:
    """Read what the machine is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory / 2**30, 1),
        kernel=".".join(platform.release().split(".")[:2]),
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def server_core() -> int:
    """Return the core that a measured server has for itself.

    Raises:
        BenchmarkError: There is only one.
    """
    return _cores()[0]


def other_cores() -> set[int]:
    """Return the cores of the load, of what reads the log, and of this process.

    Raises:
        BenchmarkError: There is only one core.
    """
    return set(_cores()[1:])


_AVAILABLE: Final = sorted(os.sched_getaffinity(0))
"""Read once: later we keep to some of them."""


def _cores() -> list[int]:
    if len(_AVAILABLE) < _SMALLEST:
        raise BenchmarkError(
            "A measurement needs two cores, one for the server and one for the load, "
            "and this process may use only one."
        )
    return _AVAILABLE


@contextlib.contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Start the processes of a block on these cores, where they and their threads then stay.

    A process gets its cores from the thread that starts it. Set later, they would not be those of
    threads that it has by then.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
