"""What a case of the lab is: what is done, what is looked at, and what that should show."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import ClassVar, Protocol

from tests.lab.lab import Lab


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that is looked at twice: before the change and after it."""

    key: str
    """Names it within its case."""
    what: str
    """What is looked at."""
    command: str
    """The command as a user types it."""
    before: str
    """Whose address it should show before the change, or the word that it should say."""
    after: str
    """The same, after it."""
    reading: Callable[[str], str] | None = None
    """Says what was seen, where that is no address and no word."""


Seen = tuple[str, str]
"""The key of a check, and what was seen: an address, with a port or without, or a word."""


class Case(Protocol):
    """A part of the guide, or a question that it leaves open."""

    name: ClassVar[str]
    """What ``--only`` calls it."""
    title: ClassVar[str]
    change: ClassVar[str]
    """What is done between the two looks, as a user types it."""
    needs: ClassVar[tuple[str, ...]]
    """Cases that have to be over before, because this one goes on where they ended."""
    checks: ClassVar[tuple[Check, ...]]

    def deploy(self, lab: Lab) -> None:
        """Bring what it is about into the cluster, and wait until it runs."""
        ...

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Look at everything once."""
        ...

    def make_change(self, lab: Lab) -> None:
        """Make the change, and wait until it is in force."""
        ...
