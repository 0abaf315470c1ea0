"""What this process uses is read as Linux counts it."""

import os
import re
import time

from benchmarks import machine, usage


def test_own_memory() -> None:
    """An interpreter has some memory to itself, and shares some."""
    memory = usage.memory(os.getpid())

    assert 1 < memory.pss <= memory.rss


def test_own_processor_time() -> None:
    """Processor time is the one that Python counts too, to within some ticks."""
    before = time.process_time()

    used = usage.cpu_seconds(os.getpid())

    assert before - 0.1 <= used <= time.process_time() + 0.1


def test_machine_is_described() -> None:
    """There is a processor with a name, memory, and a release of Linux without who built it."""
    described = machine.describe()

    assert described.processor
    assert described.cores >= 1
    assert described.memory_gib > 0
    assert re.fullmatch(r"\d+\.\d+", described.kernel)


def test_cores_are_given_back() -> None:
    """Processes of a block run on its cores; afterwards this one has all of its own again."""
    before = os.sched_getaffinity(0)

    with machine.on({min(before)}):
        assert os.sched_getaffinity(0) == {min(before)}

    assert os.sched_getaffinity(0) == before
