"""Counting with callgrind: running our program under it, and reading what it has counted.

Source:
    Valgrind User Manual, chapter 6 (Callgrind), and "Callgrind Format Specification".
"""

import collections
import contextlib
import dataclasses
import heapq
import operator
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks import BenchmarkError
from benchmarks.guard.answering import CASES
from tests import programs

REPOSITORY: Final = Path(__file__).parents[2]
_COUNTED: Final = "counted"
"""Name of the files of counts; a dot follows, and the number of the mark."""
_COST: Final = frozenset("0123456789+-*")
"""Begins a line of cost: where in the source, from the line before on, or the same."""
_RECURSION: Final = re.compile(r"'\d+$")
"""Ends the name of a function that was called by itself, however indirectly."""
_TUNABLES: Final = ":".join(
    f"glibc.cpu.x86_rep_{what}_threshold={2**30}" for what in ("movsb", "stosb")
)
"""Keep glibc from copying with one instruction that repeats itself: valgrind counts it once for
each byte, and whether a body is copied when it grows depends on what lies behind it in memory."""
_ALLOCATORS: Final = frozenset({"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"})


@dataclasses.dataclass(frozen=True, slots=True)
class Count:
    """What callgrind has counted between two marks."""

    instructions: int
    """Of all threads."""

    own: Mapping[str, int]
    """Instructions of each function, without those that it calls."""

    calls: Mapping[str, int]
    """How many times each function was called."""

    @property
    def allocations(self) -> int:
        """How many times memory was asked for."""
        return sum(self.calls.get(name, 0) for name in _ALLOCATORS)

    def dearest(self, number: int) -> dict[str, float]:
        """Name the functions that take most instructions themselves, each with its part of all."""
        dearest = heapq.nlargest(number, self.own.items(), key=operator.itemgetter(1))
        return {name: round(own / self.instructions, 4) for name, own in dearest}


@contextlib.contextmanager
def running(folder: Path, allocator: str) -> Iterator["Run"]:
    """Run all cases while the context lasts.

    Args:
        folder: For its files; a new one.
        allocator: Of the interpreter, as ``PYTHONMALLOC`` names it. ``malloc``: each allocation is
            a call of the C library's function, which can be counted.

    Raises:
        BenchmarkError: There is no valgrind.
    """
    program = programs.find("valgrind")
    if program is None:
        install = programs.to_install(programs.missing_packages(["valgrind"]))
        raise BenchmarkError(f"There is no valgrind to count with: {install}.")
    folder.mkdir()
    # Of our own, because others may use valgrind too. Not forced: the program may be one that
    # cannot be traced, and looks for orders by itself.
    vgdb = ("vgdb", f"--vgdb-prefix={folder / 'vgdb'}", "--max-invoke-ms=0")
    command = [
        *(program, "--tool=callgrind", "--quiet", f"--log-file={folder / 'valgrind'}", vgdb[1]),
        *("--instr-atstart=no", "--dump-before=getppid"),
        f"--callgrind-out-file={folder / _COUNTED}",
        *(sys.executable, "-m", "benchmarks.guard.answering", str(folder)),
        *(*vgdb, "instrumentation", "on"),
    ]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "PYTHONMALLOC": allocator,
        "GLIBC_TUNABLES": _TUNABLES,
    }
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603  found by its name, no shell
            command,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is ours, and we end it
        )
    try:
        yield Run(process, folder)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Run:
    """A run under callgrind.

    Args:
        process: That of valgrind.
        folder: Where it writes.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder

    @property
    def marks(self) -> int:
        """How many marks it has come to: two for each case."""
        return len(list(self._folder.glob(f"{_COUNTED}.*")))

    @property
    def ended(self) -> bool:
        """Whether it has ended.

        Raises:
            BenchmarkError: It has failed.
        """
        code = self._process.poll()
        if code:
            said = [(self._folder / name).read_text("utf-8") for name in ("valgrind", "errors")]
            raise BenchmarkError(
                f"Nothing could be counted: the run under valgrind ended with {code}:\n"
                + "".join(said).strip()
            )
        return code is not None

    def counts(self) -> dict[str, Count]:
        """Read what was counted, by case, once it has ended."""
        dumps = [self._folder / f"{_COUNTED}.{2 * number}" for number in range(1, len(CASES) + 1)]
        return dict(zip(CASES, map(read, dumps), strict=True))


def read(dump: Path) -> Count:
    """Read what callgrind wrote at one mark.

    Args:
        dump: In callgrind's format: lines of cost, each below the function that they are of; what a
            call cost stands in the line after ``calls=``, and is not the function's own.
    """
    names: dict[str, str] = {}
    own: collections.Counter[str] = collections.Counter()
    calls: collections.Counter[str] = collections.Counter()
    function = called = ""
    of_a_call = False
    for line in dump.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition("=")
        if key == "fn":
            function = _name(value, names)
        elif key == "cfn":
            called = _name(value, names)
        elif key == "calls":
            calls[called] += int(value.split()[0])
            of_a_call = True
        elif line[:1] in _COST:
            if not of_a_call:
                own[function] += int(line.split()[1])
            of_a_call = False
    return Count(own.total(), own, calls)


def _name(value: str, names: dict[str, str]) -> str:
    """Read the name of a function, and remember what its number stands for."""
    number, _, name = value.partition(" ")
    if name:
        names[number] = _RECURSION.sub("", name)
    return names[number]
