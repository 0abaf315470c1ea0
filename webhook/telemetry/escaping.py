"""Somebody's text, made so that it can neither hide nor change what stands around it."""

import re
from typing import Final

_OBEYED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What terminals and editors obey instead of showing it: control characters (Unicode Cc: C0, DEL
and C1), line and paragraph separators (Zl, Zp), and what reorders text (Bidi_Control).

Source:
    Unicode 16, UnicodeData.txt and PropList.txt.
"""


def escaped(text: str) -> str:
    r"""Write ``\uXXXX``, as JSON does, for each character that would be obeyed."""
    return _OBEYED.sub(lambda match: _code(match[0]), text)


def printable(text: str) -> str:
    r"""Write ``\uXXXX`` for each character that cannot be seen, whoever reads it."""
    return "".join(each if each.isprintable() else _code(each) for each in text)


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}"
