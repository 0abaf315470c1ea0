"""What a run of the lab saw, as it is kept: docs/lab.json is one."""

from pathlib import Path

import msgspec

COMMITTED = Path(__file__).parents[2] / "docs" / "lab.json"
"""The run from which the README's table and the picture are made."""


class Look(msgspec.Struct, frozen=True):
    """What was seen at one time."""

    expected: str
    """Whose address it should be, or the word that it should say."""
    seen: str
    """An address, with a port or without, or a word."""
    owner: str
    """Whose address that is; a word is its own."""

    @property
    def good(self) -> bool:
        """Whether it is as expected."""
        return self.owner == self.expected


class Row(msgspec.Struct, frozen=True):
    """One thing that was looked at, before the change and after it."""

    case: str
    key: str
    what: str
    command: str
    before: Look
    after: Look


class Theme(msgspec.Struct, frozen=True):
    """A case, as readers see it."""

    name: str
    title: str
    change: str


class Record(msgspec.Struct, frozen=True):
    """A whole run."""

    themes: tuple[Theme, ...]
    rows: tuple[Row, ...]
    places: dict[str, str]
    """The fixed addresses: of the nodes and of the client outside, by name."""
    seconds: dict[str, float]
    """How long each part took, the cases by name."""

    def row(self, case: str, key: str) -> Row:
        """Return one row.

        Raises:
            LookupError: The run had no such check.
        """
        for row in self.rows:
            if (row.case, row.key) == (case, key):
                return row
        raise LookupError(f"the run has no {case}: {key}")


def read(path: Path = COMMITTED) -> Record:
    """Read a run."""
    return msgspec.json.decode(path.read_bytes(), type=Record)


def write(record: Record, path: Path) -> None:
    """Write a run down, for people too."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
