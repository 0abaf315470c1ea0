"""The plots show the figures of the repository, and the same figures give the same plots."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.report import FOLDER, kept, pictures
from tests.unit.benchmarks.report.measured import PARTS


@pytest.mark.parametrize("name", pictures.SHOWS)
def test_plots_of_the_repository(name: str) -> None:
    """Each names the figures of docs/performance/*.json as those of which it was drawn."""
    parts = kept.load()
    if pictures.SHOWS[name][0] in parts:
        assert pictures.source_of(FOLDER / name) == pictures.source(parts, name)


def test_other_figures_have_another_name() -> None:
    """A plot is told from one of other figures, also where only its second part has changed."""
    other = msgspec.structs.replace(PARTS["footprint"], rows=[])
    changed = {**PARTS, "footprint": other}

    assert pictures.source(changed, "memory.svg") != pictures.source(PARTS, "memory.svg")
    assert pictures.source(changed, "body-size.svg") == pictures.source(PARTS, "body-size.svg")


def test_picture_of_somebody_else(tmp_path: Path) -> None:
    """A file that names no figures has none."""
    path = tmp_path / "any.svg"
    path.write_text("<svg/>")

    assert pictures.source_of(path) is None


def test_same_figures_give_the_same_plots(tmp_path: Path) -> None:
    """All are drawn, byte by byte as the time before; needs what make bench-report installs."""
    pytest.importorskip("matplotlib")
    folders = [tmp_path / each for each in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first, second = (pictures.draw(PARTS, folder) for folder in folders)

    assert [path.name for path in first] == list(pictures.SHOWS)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
