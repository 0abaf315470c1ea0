"""Escapes that are undone while a body arrives: the text means the same, wherever it is cut."""

import json
from collections.abc import Callable
from typing import Any, Final

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from tests.property.effort import tried
from tests.property.objects import TEXT
from webhook.server.bodies import HtmlEscapes

PIECES: Final = [
    *(b"\\u003c", b"\\u003e", b"\\u0026", b"\\u003C", b"\\u005c", b"\\u005C", b"\\u2028"),
    *(b"\\", b"\\\\", b"\\u", b"\\u00", b"u003c", b"003c", b"3c", b"c", b'\\"', b"\\n", b"\\x"),
    *(b"<", b">", b"&", b"a", b"{", b"}", b"[", b"]", b",", b":", b" ", b'"', b'""', b'":"'),
    *(b"\\ud83d\\ude00", b"\\ud800", "é€😀".encode(), b"\xff", b"\xe2\x82", b"\x00", b"\n"),
]
"""What could be taken for an escape, or for its part, and what ends strings and begins them."""
DOCUMENTS: Final = st.recursive(
    st.none() | st.integers() | TEXT | st.text('<>&\\"/nu003ce6x\u2028'),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text("<&\\u"), child),
    max_leaves=8,
)


class Nothing(msgspec.Struct):
    """Skips all that an object has."""


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Pieces in any order, by themselves or in a string in an object; many of them are JSON."""
    text = b"".join(draw(st.lists(st.sampled_from(PIECES), max_size=12)))
    before, after = draw(st.sampled_from([(b"", b""), (b'{"a":"', b'"}'), (b'{"', b'":1}')]))
    return before + text + after


def undone(text: bytes, cuts: list[int]) -> bytes:
    """Undo the escapes of a text that is cut at these places."""
    escapes = HtmlEscapes()
    places = sorted(min(cut, len(text)) for cut in cuts)
    return b"".join(
        escapes.undo(text[start:end])
        for start, end in zip([0, *places], [*places, len(text)], strict=True)
    )


def meaning(read: Callable[[bytes], Any], text: bytes) -> tuple[str, Any]:
    """Read a text; one that cannot be read means nothing."""
    try:
        return "JSON", read(text)
    except ValueError:  # what both libraries raise, and what is no UTF-8
        return "no JSON", None


CUTS: Final = st.lists(st.integers(0, 60), max_size=20)


@tried(300)
@given(texts(), CUTS)
@example(rb'{"a":"\\u003c"}', [])
@example(rb'{"a":"\\\u003c"}', [8])
@example(rb'{"a":"\\\u003c"}', [7, 7, 8])
@example(rb'{"a":"\\u003c\u003c"}', [7])
@example(rb'{"a":"\\u005cu003c"}', [])
@example(rb'{"a":"\u005cu003c"}', [])
@example(rb'{"a":"\\\\u003c"}', [8])
@example(rb'{"a":"\n\\u003c"}', [7, 8])
@example(rb"\u003c", [])
def test_text_means_the_same(text: bytes, cuts: list[int]) -> None:
    """Two libraries read the same, also what is skipped, and refuse the same; nothing is longer."""
    shorter = undone(text, cuts)

    for read in (json.loads, msgspec.json.decode, msgspec.json.Decoder(Nothing).decode):
        assert repr(meaning(read, shorter)) == repr(meaning(read, text))
    assert len(shorter) <= len(text)
    assert [shorter.count(part) for part in b"{,"] == [text.count(part) for part in b"{,"]


@tried(100)
@given(DOCUMENTS, st.booleans(), CUTS)
def test_document_is_read_as_it_was_written(
    document: Any, ascii_only: bool, cuts: list[int]
) -> None:
    """What Go writes is JSON of the same document, and no escape remains that is not cut."""
    text = json.dumps(document, ensure_ascii=ascii_only).encode()
    for character, escape in ((b"<", rb"\u003c"), (b">", rb"\u003e"), (b"&", rb"\u0026")):
        text = text.replace(character, escape)

    assert json.loads(undone(text, cuts)) == document
    whole = undone(text, [])
    assert [whole.count(each) for each in b"<>&"] == [
        json.dumps(document, ensure_ascii=ascii_only).count(each) for each in "<>&"
    ]
