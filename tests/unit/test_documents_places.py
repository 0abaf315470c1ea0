"""What the documents name is there: files, modules, commands and sections."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
)
FOLDERS = "certs|charts|docs|requirements|tests|webhook"
README = (ROOT / "README.md").read_text()


def places() -> list[tuple[str, str]]:
    """Read the README's table of places: each file, and the word to look for in it."""
    table = README[README.index("<!-- places -->") : README.index("<!-- end of places -->")]
    return re.findall(r"\| `([^`]+)` \| `([^`]+)` \|$", table, re.MULTILINE)


def is_module(name: str) -> bool:
    """Tell whether there is a module, a package, or a folder of that name."""
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def anchors(page: Path) -> set[str]:
    """Name the sections of a page as GitHub does in addresses."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    kept = (re.sub(r"[^\w -]", "", heading).strip() for heading in headings)
    return {heading.lower().replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_files_and_modules_are_there(page: Path) -> None:
    """Each file, folder and module of ours that a page names is there, unless it makes the file."""
    text = (ROOT / page).read_text()
    made = set(re.findall(r"^`([^`]+)`, a new file:$", text, re.MULTILINE))
    files = set(re.findall(rf"(?<![\w./:-])((?:{FOLDERS})/[\w./-]*\w)", text))
    modules = set(re.findall(r"`((?:certs|webhook)(?:\.[a-z_]+)+)`", text))
    modules |= set(re.findall(r"python -m (tests[\w.]*\w)", text))

    assert {name for name in files - made if not (ROOT / name).exists()} == set()
    assert {name for name in modules if not is_module(name)} == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link within the repository leads to a file, and to a section that the file has."""
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", (ROOT / page).read_text())
    broken = set()
    for file, anchor in links:
        target = (ROOT / page).parent / file if file else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.add(f"{file}#{anchor}")

    assert broken == set()


def test_readme_tells_where_to_find_things() -> None:
    """The README's table of places has rows."""
    assert len(places()) > 12


@pytest.mark.parametrize(("file", "word"), places())
def test_what_is_looked_for_is_found(file: str, word: str) -> None:
    """Each file of the README's table of places has the word that the table says to search for."""
    assert word in (ROOT / file).read_text()


def test_readme_lists_every_room() -> None:
    """The README's tree has each package and each module that stands directly in a package."""
    rooms = [
        *(path.parent for path in (ROOT / "webhook").glob("*/__init__.py")),
        *(ROOT / "webhook").glob("[!_]*.py"),
    ]
    missing = {name for room in rooms if (name := str(room.relative_to(ROOT))) not in README}

    assert missing == set()
