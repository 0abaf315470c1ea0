"""What a real API server sent, with every field of it spoiled in every way."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.property.judging import judge
from tests.reviews import RECORDED, Json, recorded
from tests.situations import ENABLED
from webhook.admission.options import Options

DROPPED = object()
HUGE = "x" * 100_000
SPOILED: dict[str, Any] = {
    "dropped": DROPPED,
    "null": None,
    "false": False,
    "a number": 7,
    "a fraction": -1.5e300,
    "an empty text": "",
    "a huge text": HUGE,
    "an empty list": [],
    "a list": [None, {"a": "b"}],
    "an empty object": {},
    "an object": {"name": {}, "a/b~c": ["d"]},
}


def places(value: Any, *way: str | int) -> Iterator[tuple[str | int, ...]]:
    """List the way to every member of a document."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        yield (*way, name)
        if isinstance(member, dict | list):
            yield from places(member, *way, name)


def spoil(document: Json, way: tuple[str | int, ...], value: Any) -> bytes:
    """Write a document with one member replaced or dropped."""
    result = copy.deepcopy(document)
    parent: Any = result
    for name in way[:-1]:
        parent = parent[name]
    if value is DROPPED:
        del parent[way[-1]]
    else:
        parent[way[-1]] = value
    return json.dumps(result).encode()


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("name", sorted(path.name for path in RECORDED.iterdir()))
def test_spoiled_field_is_survived(name: str, how: str) -> None:
    """Each field in turn is dropped or replaced: a good answer or one sentence, nothing else."""
    document = json.loads(recorded(name))
    ways = list(places(document))

    assert len(ways) > 50
    for way in ways:
        judge(spoil(document, way, SPOILED[how]), ENABLED, Options())


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDED.iterdir()))
def test_truncated_review_is_refused(name: str) -> None:
    """A review that ends anywhere before its end is refused."""
    body = recorded(name)

    for length in range(len(body)):
        assert judge(body[:length], ENABLED, Options()) is None
