"""Unified diffs that ``patch`` and ``git apply`` accept."""

import difflib
import io


def unified(name: str, before: str, after: str) -> str:
    """Compare two texts of one file.

    Args:
        name: The file's name; it gets the prefixes ``a/`` and ``b/``.
        before: The text as it is.
        after: The text as it would be.

    Returns:
        The diff, empty where the texts are the same.

    Source:
        GNU diffutils manual, "Incomplete Lines", for a last line without its newline.
    """
    path = name.lstrip("/")
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    """Split at line feeds only: ``str.splitlines`` knows more ends of lines than ``patch`` does."""
    return list(io.StringIO(text, newline="\n"))
