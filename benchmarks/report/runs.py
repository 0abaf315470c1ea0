"""The table of the measurements themselves: when, on what machine, and how quiet it was."""

from typing import Final

from benchmarks.report import TARGETS, Parts
from benchmarks.report.markdown import words

_QUIET: Final = 0.5
"""The load above which others used the machine, and figures are rough."""
_COUNTED: Final = "guard"
"""The part that times nothing."""
_MINUTE: Final = 60


def table(parts: Parts) -> str:
    """Write a row for each part."""
    head = ("measured by", "on", "machine", "load before", "took")
    return words(head, [_line(parts, name) for name in TARGETS])


def _line(parts: Parts, name: str) -> tuple[str, ...]:
    target = f"`{TARGETS[name]}`"
    if name not in parts:
        return (target, "not yet", "", "", "")
    part = parts[name]
    machine = part.machine
    kernel = ".".join(machine.kernel.split(".")[:2])
    load = f"{machine.load:.2f}"
    return (
        target,
        part.made.isoformat(),
        (
            f"{machine.processor}, {machine.cores} cores, {machine.memory_gib:.0f} GiB,"
            f" Linux {kernel}, Python {machine.python}"
        ),
        load if machine.load <= _QUIET or name == _COUNTED else f"**{load}**: rough figures",
        f"{max(1, round(part.seconds / _MINUTE))} min",
    )


def releases(parts: Parts) -> str:
    """Write the releases of what was compared."""
    about = parts["throughput"].about if "throughput" in parts else {}
    told = ", ".join(f"{name} {release}" for name, release in about.items())
    return f"Releases: {told}.\n" if told else ""
