"""Unified diffs."""

import difflib

import pytest

from webhook.offline.render import unified


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\n", "a\n", ""),
        ("a\n", "b\na\n", "--- a/x/f\n+++ b/x/f\n@@ -1 +1,2 @@\n+b\n a\n"),
        (
            "a",
            "b\na",
            "--- a/x/f\n+++ b/x/f\n@@ -1 +1,2 @@\n+b\n a\n\\ No newline at end of file\n",
        ),
        ("a\fb\r\n", "c\na\fb\r\n", "--- a/x/f\n+++ b/x/f\n@@ -1 +1,2 @@\n+c\n a\fb\r\n"),
    ],
)
def test_unified(before: str, after: str, expected: str) -> None:
    """A diff is what patch expects, also for texts with unusual ends of lines."""
    assert unified("/x/f", before, after) == expected


def lines(count: int) -> list[str]:
    """Number some lines."""
    return [f"{number}\n" for number in range(count)]


def test_hunks() -> None:
    """Changes close to each other are one hunk, others their own, each with three lines around."""
    old, new = lines(60), lines(60)
    new[50:51] = []
    new[29:30] = ["x\n", "y\n"]
    new[24:24] = ["z\n"]
    expected = "".join(difflib.unified_diff(old, new, "a/f", "b/f"))
    assert unified("f", "".join(old), "".join(new)) == expected


def test_texts_that_have_little_in_common() -> None:
    """Whatever the texts are, the diff leads from one to the other."""
    before, after = "a\n" * 40, "b\n" * 20
    deleted, added = "-a\n" * 40, "+b\n" * 20
    diff = unified("f", before, after)
    assert diff.startswith("--- a/f\n+++ b/f\n@@ -1,40 +1,20 @@\n")
    assert sorted(diff.splitlines(keepends=True)[3:]) == sorted((deleted + added).splitlines(True))
