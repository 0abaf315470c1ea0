"""The README's table of addresses and the picture, made from the run in docs/lab.json.

``python -m tests.lab.documents`` writes both; a test holds them together.
"""

import re
from pathlib import Path

from tests.lab import picture, record
from tests.lab.addresses import without_port
from tests.lab.record import Look, Record

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "lab.md"
PICTURE = ROOT / "docs" / "lab.svg"
_GENERATED = re.compile(r"(<!-- lab -->\n).*(<!-- end of lab -->)", re.DOTALL)
_SHOWN = (
    ("east-west", "ip", "httpbin, called by the Pod `sleep`"),
    ("east-west", "netstat", "the same, at its socket"),
    ("workloads", "no sidecar", "an application, called by a Pod without sidecar"),
    ("north-south", "http downstream_remote_address", "the ingress gateway"),
    ("north-south", "http", "httpbin behind it, in `X-Forwarded-For`"),
    ("north-south", "https", "the same over HTTPS"),
    ("north-south", "socket", "the same, at its socket"),
)
"""Case, check, and who sees it: the rows of the README."""


def table(run: Record) -> str:
    """Make the README's table of addresses."""
    lines = ["| who sees its caller | without the label | with it |", "|---|---|---|"]
    for case, key, who in _SHOWN:
        row = run.row(case, key)
        cells = map(_cell, (_without_port(row.before), _without_port(row.after)))
        lines.append(f"| {' | '.join((who, *cells))} |")
    return "\n".join((*lines, ""))


def full_table(run: Record) -> str:
    """Make the table of everything that was looked at, for docs/lab.md."""
    lines = []
    for theme in run.themes:
        rows = [row for row in run.rows if row.case == theme.name]
        lines += [
            f"### {theme.title}",
            "",
            f"`--only {theme.name}`. Between the two looks: `{theme.change}`",
            "",
            "| what | command | before | after |",
            "|---|---|---|---|",
            *(f"| {r.what} | `{r.command}` | {_cell(r.before)} | {_cell(r.after)} |" for r in rows),
            "",
        ]
    return "\n".join(lines)


def written(page: Path) -> str:
    """Read what a page has between its marks."""
    match = _GENERATED.search(page.read_text())
    assert match is not None
    return match[0].removeprefix(match[1]).removesuffix(match[2])


def write() -> None:
    """Write the tables into their pages, and the picture beside them."""
    run = record.read()
    for page, made in ((README, table(run)), (PAGE, full_table(run))):
        text = page.read_text()
        page.write_text(_GENERATED.sub(lambda match: f"{match[1]}{made}{match[2]}", text))  # noqa: B023 - called at once
    PICTURE.write_text(picture.draw(run))


def _without_port(look: Look) -> Look:
    return Look(look.expected, without_port(look.seen) or look.seen, look.owner)


def _cell(look: Look) -> str:
    if look.owner == look.seen:
        return look.seen
    seen = f"`{look.seen}`" if without_port(look.seen) else look.seen
    return f"{seen}, {look.owner}"


if __name__ == "__main__":
    write()
