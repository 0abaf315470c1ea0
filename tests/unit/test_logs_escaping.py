"""Somebody's text in a log: whatever is in it, it stays what it is, on its line."""

import unicodedata

import pytest

from webhook.logs import escaped

BIDI_CONTROL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unicode 16, PropList.txt."""


def test_everything_that_would_be_obeyed_is_escaped_and_nothing_else() -> None:
    """Of all characters of the first plane; of the others none is obeyed."""
    everything = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    obeyed = {
        each for each in everything if unicodedata.category(each) in ("Cc", "Zl", "Zp")
    } | set(BIDI_CONTROL)

    assert {each for each in everything if escaped(each) != each} == obeyed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[2Jgone", "\\u001b[2Jgone"),
        ("two\nlines", "two\\u000alines"),
        ("\x9b2J", "\\u009b2J"),
        ("tx\u202etxt.exe", "tx\\u202etxt.exe"),
        ("Müller\U0001f600", "Müller\U0001f600"),
    ],
)
def test_what_is_escaped_can_be_read(text: str, shown: str) -> None:
    """It looks as it does in JSON."""
    assert escaped(text) == shown
