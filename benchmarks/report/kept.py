"""The figures in the repository: one small file for each part, taken from the last measurement."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks import BenchmarkError, results
from benchmarks.report import FOLDER, TARGETS, Parts
from benchmarks.results import Part

LARGEST: Final = 100_000
"""Bytes of a file at most: more is no summary."""
_DIGITS: Final = 5
"""Significant digits of a figure; no measurement here is as exact as that."""


def take(
    say: Callable[[str], object], measured: Path = results.FOLDER, folder: Path = FOLDER
) -> Parts:
    """Copy what was measured into the repository, and return all parts that it has then.

    Args:
        say: Told of each part where it is from.
        measured: Where the measurements left it.
        folder: Of the repository; what was not measured again stays there.

    Raises:
        BenchmarkError: A part cannot be read, or is too large.
    """
    for name, target in TARGETS.items():
        if results.path_of(name, measured).exists():
            _keep(results.load(name, measured), folder)
            say(f"{name}: from {target}")
        elif results.path_of(name, folder).exists():
            say(f"{name}: not measured again ({target}); what is there stays")
        else:
            say(f"{name}: not measured yet ({target}); the page says so")
    return load(folder)


def load(folder: Path = FOLDER) -> Parts:
    """Read the parts that the repository has.

    Raises:
        BenchmarkError: One of them cannot be read.
    """
    there = (name for name in TARGETS if results.path_of(name, folder).exists())
    return {name: results.load(name, folder) for name in there}


def _keep(part: Part, folder: Path) -> None:
    short = msgspec.structs.replace(part, rows=rounded(part.rows))
    encoded = msgspec.json.encode(short)
    if len(encoded) > LARGEST:
        raise BenchmarkError(
            f"The part {part.name} has {len(encoded):,} bytes, more than the {LARGEST:,} that the"
            " repository takes: keep fewer figures of each round."
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = results.path_of(part.name, folder)
    # A line for each row: what has changed is then seen in a diff.
    head = msgspec.json.encode(msgspec.structs.replace(short, rows=[])).decode()
    lines = ",\n".join(msgspec.json.encode(row).decode() for row in short.rows)
    path.write_text(head.replace('"rows":[]', f'"rows":[\n{lines}\n]') + "\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """Round the fractions in a value to digits that say something."""
    match value:
        case float():
            return float(f"{value:.{_DIGITS}g}")
        case list():
            return [rounded(each) for each in value]
        case dict():
            return {name: rounded(each) for name, each in value.items()}
        case _:
            return value
