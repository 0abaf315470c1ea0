"""The repository keeps small files, and what was not measured again stays."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks import BenchmarkError, results
from benchmarks.report import FOLDER, TARGETS, kept
from tests.unit.benchmarks.report.measured import PARTS


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where measurements leave parts, and where the repository has them."""

    measured: Path
    repository: Path

    def take(self) -> tuple[list[str], dict[str, Any]]:
        """Take the parts, and return what is said of them, and them."""
        said: list[str] = []
        return said, dict(kept.take(said.append, self.measured, self.repository))


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Make folders without any part."""
    return Folders(tmp_path / "measured", tmp_path / "repository")


def test_measured_part_is_copied(folders: Folders) -> None:
    """What was measured is read again from the repository, with as many digits as say something."""
    long = msgspec.structs.replace(PARTS["guard"], rows=[{"part": 0.123456789, "names": [1.0]}])
    results.save(long, folders.measured)
    said, parts = folders.take()

    assert parts == {"guard": msgspec.structs.replace(long, rows=[{"part": 0.12346, "names": [1]}])}
    assert said[-1] == "guard: from make bench-guard"


def test_part_that_was_not_measured_stays(folders: Folders) -> None:
    """What the repository has stays, and that is said; so is what was never measured."""
    results.save(PARTS["cluster"], folders.repository)
    said, parts = folders.take()

    assert parts == {"cluster": PARTS["cluster"]}
    assert "cluster: not measured again (make bench-cluster); what is there stays" in said
    assert "growth: not measured yet (make bench-growth); the page says so" in said


def test_too_much_is_refused(folders: Folders) -> None:
    """A part that is too large for a repository is refused in one sentence."""
    rows = [{"name": "x" * kept.LARGEST}]
    results.save(msgspec.structs.replace(PARTS["guard"], rows=rows), folders.measured)

    with pytest.raises(BenchmarkError, match=r"The part guard has .* bytes, more than the 100,000"):
        folders.take()


@pytest.mark.parametrize("name", TARGETS)
def test_files_of_the_repository(name: str) -> None:
    """Each is small, and names no place of the machine that measured."""
    path = results.path_of(name, FOLDER)
    if not path.exists():
        return
    text = path.read_text()

    assert len(text) <= kept.LARGEST * 1.1
    assert "/tmp" not in text  # noqa: S108
    assert "/root" not in text
    assert "/home" not in text
