"""Large bodies do not keep others waiting: little is kept of them, and little done in one piece."""

import asyncio
import json

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from webhook.server.bodies import Body, Budget

MIB = 1024 * 1024


def arriving(*chunks: bytes) -> Request:
    """Make a request whose body comes in these chunks."""
    left = [*chunks]

    async def receive() -> Message:
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    headers = [
        (b"content-length", b"%d" % sum(map(len, chunks))),
        (b"content-type", b"application/json"),
    ]
    return Request({"type": "http", "headers": headers}, receive)


@pytest.mark.parametrize("more", [False, True])
def test_tiny_parts_are_refused_as_soon_as_they_are_known(*, more: bool) -> None:
    """What is still to come is not waited for, and then the connection has to end."""
    budget = Budget(limit=MIB)
    request = arriving(b"," * 20_000, *[b"never looked at"] * more)

    async def read() -> None:
        async with Body(budget, MIB) as body:
            await body.read(request)

    with pytest.raises(HTTPException, match="has at least 20000 parts") as refused:
        asyncio.run(read())
    assert refused.value.status_code == 413
    assert refused.value.headers == ({"Connection": "close"} if more else None)


@pytest.mark.parametrize(("count", "kept"), [(MIB // 6, MIB - 4), (MIB // 6 + 1, MIB // 6 + 1)])
def test_escapes_of_a_huge_body_take_no_room(count: int, kept: int) -> None:
    """Go writes a character as six; of more than 1 MiB only the character is kept and decoded."""
    text = rb"\u003c" * count
    budget = Budget()

    async def read() -> bytes | bytearray:
        chunks = [text[at : at + 60_000] for at in range(0, len(text), 60_000)]
        async with Body(budget, 2 * MIB) as body:
            whole = await body.read(arriving(b'["', *chunks, b'"]'))
            assert body.size == len(whole)
            return whole

    whole = asyncio.run(read())
    assert json.loads(whole) == ["<" * count]
    assert len(whole) == kept + len('[""]')
