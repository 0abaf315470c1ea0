"""What was measured, as it is kept from one command to the next: ``.build/bench/<part>.json``."""

import datetime as dt
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks import BUILD, BenchmarkError
from benchmarks.machine import Machine

FOLDER: Final = BUILD / "bench"
"""Where the parts are kept until ``make bench-report`` makes documents of them."""


class Part(msgspec.Struct, frozen=True):
    """One part of the benchmarks, as it ran."""

    name: str
    """``throughput``, ``footprint``, ``cluster``, ``growth`` or ``guard``."""
    made: dt.date
    """The day of the run, in UTC."""
    machine: Machine
    """What it ran on."""
    seconds: float
    """How long it took."""
    rows: list[dict[str, Any]]
    """What was measured, each with the names of its part; times in seconds, memory in MiB."""
    about: dict[str, str] = {}
    """What else a reader has to know, such as the versions of programs."""


def today() -> dt.date:
    """Return the day, in UTC."""
    return dt.datetime.now(dt.UTC).date()


def path_of(name: str, folder: Path = FOLDER) -> Path:
    """Return where a part is kept."""
    return folder / f"{name}.json"


def save(part: Part, folder: Path = FOLDER) -> Path:
    """Keep a part in place of the one from an earlier run, and return where.

    Args:
        part: What was measured.
        folder: Where parts are kept; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = path_of(part.name, folder)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(part), indent=1) + b"\n")
    return path


def load(name: str, folder: Path = FOLDER) -> Part:
    """Read a part.

    Raises:
        BenchmarkError: It was not measured yet, or its file is none of ours.
    """
    path = path_of(name, folder)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Part)
    except FileNotFoundError:
        raise BenchmarkError(f"{path} is not there: measure it first (make help).") from None
    except msgspec.DecodeError as error:
        raise BenchmarkError(f"{path} is no result of a measurement: {error}.") from None
