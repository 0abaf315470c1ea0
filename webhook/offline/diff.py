"""Unified diffs that ``patch`` and ``git apply`` accept."""

import difflib
import io
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

_CONTEXT: Final = 3
"""Lines shown before and after a change."""

_WINDOW: Final = 16
"""Lines from a change on within which the texts are the same again; far more than we ever add."""


class _Change(NamedTuple):
    """Lines that go, and lines that come in their place, each as ``start`` and ``end``."""

    start: int
    end: int
    new_start: int
    new_end: int


def unified(name: str, before: str, after: str) -> str:
    """Compare two texts of one file, which differ in a few lines here and there.

    The time grows with the text, and not with its square as for texts of which nothing is known.

    Args:
        name: The file's name; it gets the prefixes ``a/`` and ``b/``.
        before: The text as it is.
        after: The text as it would be.

    Returns:
        The diff, empty where the texts are the same.

    Source:
        GNU diffutils manual, "Detailed Unified", and "Incomplete Lines" for a last line without its
        newline.
    """
    path = name.lstrip("/")
    old, new = _lines(before), _lines(after)
    shown = [f"--- a/{path}\n", f"+++ b/{path}\n"]
    for hunk in _hunks(_changes(old, new)):
        shown += _written(hunk, old, new)
    return "".join(shown) if before != after else ""


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    place = new_place = 0
    while place < len(old) or new_place < len(new):
        is_inside = place < len(old) and new_place < len(new)
        if is_inside and old[place] == new[new_place]:
            place, new_place = place + 1, new_place + 1
            continue
        window, new_window = old[place : place + _WINDOW], new[new_place : new_place + _WINDOW]
        matcher = difflib.SequenceMatcher(None, window, new_window, autojunk=False)
        same = matcher.get_matching_blocks()[0]
        yield _Change(place, place + same.a, new_place, new_place + same.b)
        place, new_place = place + same.a, new_place + same.b


def _hunks(changes: Iterator[_Change]) -> Iterator[list[_Change]]:
    """Put changes together whose surroundings touch."""
    hunk: list[_Change] = []
    for change in changes:
        if hunk and change.start - hunk[-1].end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _written(hunk: list[_Change], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    first, last = hunk[0], hunk[-1]
    start = max(first.start - _CONTEXT, 0)
    end = min(last.end + _CONTEXT, len(old))
    new_start = first.new_start - (first.start - start)
    new_end = last.new_end + (end - last.end)
    yield f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@\n"
    place = start
    for change in hunk:
        yield from _marked(" ", old[place : change.start])
        yield from _marked("-", old[change.start : change.end])
        yield from _marked("+", new[change.new_start : change.new_end])
        place = change.end
    yield from _marked(" ", old[place:end])


def _range(start: int, end: int) -> str:
    """Spell lines as first and count; nothing is said to stand behind the line before."""
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        newline = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
        yield f"{mark}{line}{newline}"


def _lines(text: str) -> list[str]:
    """Split at line feeds only: ``str.splitlines`` knows more ends of lines than ``patch`` does."""
    return list(io.StringIO(text, newline="\n"))
