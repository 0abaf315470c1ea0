"""What was measured is kept, and read again as it was."""

from pathlib import Path

import pytest

from benchmarks import BenchmarkError, machine, results
from benchmarks.results import Part


def test_part_is_read_as_it_was_kept(tmp_path: Path) -> None:
    """A part comes back equal, and the one of an earlier run is replaced."""
    parts = [
        Part("growth", results.today(), machine.describe(), 1.5, rows=[{"bytes": size, "p99": 0.1}])
        for size in (2000, 9000)
    ]

    for part in parts:
        assert results.save(part, tmp_path / "bench") == tmp_path / "bench" / "growth.json"

    assert results.load("growth", tmp_path / "bench") == parts[-1]


def test_part_is_missing(tmp_path: Path) -> None:
    """A part that was not measured is named."""
    with pytest.raises(BenchmarkError, match=r"growth\.json is not there: measure it first"):
        results.load("growth", tmp_path)


def test_part_is_spoiled(tmp_path: Path) -> None:
    """A file that is none of ours is named, with what is wrong in it."""
    results.path_of("growth", tmp_path).write_text("[]")

    with pytest.raises(BenchmarkError, match=r"growth\.json is no result of a measurement: Exp"):
        results.load("growth", tmp_path)
