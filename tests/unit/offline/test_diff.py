"""Unified diffs."""

import pytest

from webhook.offline.diff import unified


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
