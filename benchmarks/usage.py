"""What a process uses: memory and processor time, as Linux counts them.

Source:
    proc_pid_status(5), proc_pid_smaps(5), proc_pid_stat(5); Documentation/filesystems/proc.rst.
"""

import dataclasses
import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_MIB: Final = 1024
"""KiB in a MiB."""
_USER, _SYSTEM = 11, 12
"""Places of ``utime`` and ``stime`` behind the name of the program."""


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a process, in MiB."""

    rss: float
    """Resident: all pages that it has mapped and that are in memory."""

    pss: float
    """Proportional: a page that several processes share counts for its share."""


def memory(pid: int) -> Memory:
    """Read the memory of a process.

    Raises:
        OSError: It has ended, or is another user's.
    """
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    fields = {line.split()[0]: line.split()[1] for line in rollup.splitlines()[1:]}
    return Memory(rss=int(fields["Rss:"]) / _MIB, pss=int(fields["Pss:"]) / _MIB)


def cpu_seconds(pid: int) -> float:
    """Read the seconds of processor time that a process has used with all its threads.

    Raises:
        OSError: It has ended.
    """
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    # The name of the program, in parentheses, may have spaces.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
