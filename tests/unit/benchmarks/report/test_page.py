"""docs/performance.md says what was measured, and nothing else."""

import re

import pytest

from benchmarks import BenchmarkError
from benchmarks.report import PAGE, TARGETS, kept, page, pictures
from tests.unit.benchmarks.report.measured import PARTS

TEXT = PAGE.read_text()


def block(text: str, name: str) -> str:
    """Return what stands between the marks of a name."""
    _, _, rest = text.partition(f"<!-- {name} -->\n")
    return rest.partition(f"<!-- end of {name} -->")[0]


def test_page_has_the_figures_of_the_repository() -> None:
    """The tables are those that `make bench-report` makes of docs/performance/*.json."""
    assert page.written(TEXT, kept.load()) == TEXT


@pytest.mark.parametrize("name", [name for name in page.TABLES if name not in pictures.SHOWS])
def test_tables(name: str) -> None:
    """Each table has rows, all as long as its head, of figures and not of Python's words."""
    made = block(page.written(TEXT, PARTS), name)
    lines = [line for line in made.splitlines() if line.startswith("|")]

    assert len({line.count("|") for line in lines}) <= 1
    assert name == "releases" or len(lines) > 2
    assert not re.search(r"None|nan|inf\b|\[|\{", made)


@pytest.mark.parametrize("name", pictures.SHOWS)
def test_plots(name: str) -> None:
    """Each has its place, and words for who cannot see it."""
    made = block(page.written(TEXT, PARTS), name)

    assert re.fullmatch(rf"!\[[^]]+\]\(performance/{name}\)\n", made)


def test_nothing_measured() -> None:
    """A page without any measurement says what measures."""
    made = page.written(TEXT, {})

    for part in ("throughput", "footprint", "cluster", "growth", "guard"):
        assert f"Not measured yet: `{TARGETS[part]}`." in made


def test_costs() -> None:
    """Who runs a cluster reads what a creation, a review and a replica take."""
    made = block(page.written(TEXT, PARTS), "costs")

    assert "| 1.00 ms more: 5.00 instead of 4.00 ms |" in made
    assert "| 1.20 ms more, beside 20.0 ms of the injector |" in made
    assert "| 0.90 ms, of which 0.20 ms in the webhook itself |" in made
    assert "| 0.50 ms: 10 creations a second take 0.5 % of a core |" in made
    assert "| 1,200 reviews a second, 99 of 100 within 20.0 ms |" in made
    assert (
        "| memory of a replica, 5,000 namespaces in the cluster | 50.0 MiB of working set" in made
    )


def test_place_that_is_missing() -> None:
    """A page without a mark is refused in one sentence that names it."""
    with pytest.raises(BenchmarkError, match="has no place for guard: write <!-- guard -->"):
        page.written(TEXT.replace("<!-- guard -->", ""), PARTS)
