"""README, docs/lab.md and the picture say what the run in docs/lab.json saw, and it was right."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.lab import documents, picture, record
from tests.lab.case import Case
from tests.lab.cases import CASES, chosen

RUN = record.read()
UPDATE = "python -m tests.lab.documents"
SVG = "{http://www.w3.org/2000/svg}"


def test_readme_has_the_addresses_of_the_run() -> None:
    """The README's table is made from the run."""
    assert documents.written(documents.README) == documents.table(RUN), UPDATE


def test_page_has_everything_of_the_run() -> None:
    """The tables of docs/lab.md are made from the run."""
    assert documents.written(documents.PAGE) == documents.full_table(RUN), UPDATE


def test_picture_is_of_the_run() -> None:
    """The picture is drawn from the run."""
    assert documents.PICTURE.read_text() == picture.draw(RUN), UPDATE


def test_run_looked_at_what_is_looked_at_today() -> None:
    """The run has every check of every case, with the same command and the same expectation."""
    of_code = [
        (case.name, check.key, check.what, check.command, check.before, check.after)
        for case in CASES
        for check in case.checks
    ]
    of_run = [
        (row.case, row.key, row.what, row.command, row.before.expected, row.after.expected)
        for row in RUN.rows
    ]

    assert of_run == of_code, "run make lab-record"


def test_run_saw_what_it_should() -> None:
    """Every look of the run was as expected."""
    wrong = [row for row in RUN.rows if not (row.before.good and row.after.good)]

    assert wrong == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases_can_run_alone(case: Case) -> None:
    """A case that is asked for brings those along that it needs, in the order of the list."""
    found = chosen((case.name,))

    assert case in found
    assert all(set(each.needs) <= {other.name for other in found} for each in found)


def test_unknown_case_is_told() -> None:
    """A case that is not there is an error that names those that are."""
    with pytest.raises(LookupError, match="there is no case nowhere: there are east-west, "):
        chosen(("nowhere",))


def test_picture_fits_a_phone() -> None:
    """The picture is 360 wide, and no text of it leaves its column or its box."""
    root = ET.fromstring(documents.PICTURE.read_text())  # noqa: S314 - our own
    assert root.get("viewBox", "").split()[2] == "360"

    texts = root.findall(f".//{SVG}text")
    assert texts
    for text in texts:
        # No letter of these sizes is wider on average than 0.6 of its height.
        size = {"head": 15, "address": 13, "note": 11}.get(text.get("class", ""), 12)
        half = len(text.text or "") * size * 0.6 / 2
        middle = float(text.get("x", ""))
        assert half <= min(middle, 360 - middle), text.text
        if middle != 180:
            assert half <= abs(180 - middle), text.text


def test_picture_follows_dark_mode() -> None:
    """What has a colour on a light page has another one on a dark page."""
    style = re.search(r"<style>(.*)</style>", documents.PICTURE.read_text(), re.DOTALL)
    assert style is not None
    light, _, dark = style[1].partition("@media (prefers-color-scheme: dark) {")
    by_day, by_night = colours(light), colours(dark)

    assert by_day
    assert by_day.keys() <= by_night.keys()
    assert [name for name in by_day if by_day[name] == by_night[name]] == []


def colours(style: str) -> dict[str, list[str]]:
    """Read which colours each selector has."""
    found = {}
    for selectors, rule in re.findall(r"([^{}]+)\{([^}]*)\}", style):
        for selector in selectors.split(","):
            if used := re.findall(r"#\w+", rule):
                found[selector.strip()] = used
    return found
