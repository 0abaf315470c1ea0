"""The same JSON written in other ways, and the same object with fields that nobody knows."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.reviews import Json

MAPS = {"labels", "annotations", "nodeSelector", "selector", "f:externalTrafficPolicy"}
"""Members that are maps: there a further key is data, not an unknown field."""

_OBJECTS = {"object", "oldObject"}
_UNKNOWN = st.text("xyz", min_size=1, max_size=3).map(lambda name: f"unknown-{name}")
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda child: st.lists(child, max_size=2) | st.dictionaries(_UNKNOWN, child, max_size=2),
    max_leaves=4,
)
_SPACE = st.sampled_from(["", "", " ", "\n\t", "\r\n "])


def respelled(review: Json) -> st.SearchStrategy[str]:
    """Write a review with keys in any order, spaces and escapes; its objects with doubled keys."""
    return st.composite(_spell)(review, doubled=False)


def _spell(draw: st.DrawFn, value: Any, *, doubled: bool) -> str:
    """Write one value."""
    space = draw(_SPACE)
    if isinstance(value, str):
        return space + _text(draw, value)
    if isinstance(value, list):
        items = [_spell(draw, item, doubled=doubled) for item in value]
        return space + "[" + ",".join(items) + space + "]"
    if not isinstance(value, dict):
        return space + json.dumps(value) + space
    members = []
    for key in draw(st.permutations(list(value))):
        # Of two members with one name the last one counts, as in Go.
        if doubled and draw(st.integers(0, 5)) == 0:
            members.append(_text(draw, key) + space + ":" + json.dumps(_other(value[key])))
        below = doubled or key in _OBJECTS
        members.append(_text(draw, key) + space + ":" + _spell(draw, value[key], doubled=below))
    return space + "{" + ",".join(members) + space + "}"


def _text(draw: st.DrawFn, text: str) -> str:
    """Write a text as it is, with its foreign letters escaped, or with all of it escaped."""
    how = draw(st.integers(0, 2))
    if how < 2:
        return json.dumps(text, ensure_ascii=how == 0)
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)) + '"'


def _other(value: Any) -> Any:
    """Make another value of the same type, which must not count."""
    if isinstance(value, bool):
        return not value
    return {str: "other", dict: {}, list: [], int: 1}.get(type(value))


@st.composite
def with_unknown_fields(draw: st.DrawFn, value: Any) -> Any:
    """Add fields of a Kubernetes to come, on every level of an object."""
    if isinstance(value, list):
        return [draw(with_unknown_fields(item)) for item in value]
    if not isinstance(value, dict):
        return value
    known: Json = {
        key: item if key in MAPS else draw(with_unknown_fields(item)) for key, item in value.items()
    }
    more = draw(st.dictionaries(_UNKNOWN, _ANYTHING, max_size=1))
    return {**more, **known} if draw(st.booleans()) else {**known, **more}
