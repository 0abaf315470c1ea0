"""Bodies: in their time, within their room, and never in the way of smaller ones."""

import asyncio
import contextlib
import dataclasses
import http.client
import json
import time

import pytest
from starlette.exceptions import HTTPException

from tests.reviews import review
from tests.server.clients import Held, answer, connected, until
from tests.server.conftest import Files, settings_for
from tests.server.running import DEADLINE, Running, running
from tests.server.test_bounds import HEAD, REJECTED
from tests.situations import pod
from webhook.server import bodies
from webhook.server.bodies import Body, Budget
from webhook.settings import Shutdown

_REVIEW = review("Pod", pod())
_ASKED = HEAD + b"Content-Length: %d\r\n\r\n" % len(_REVIEW) + _REVIEW
_COST = 17 * len(_REVIEW)
"""What a small review takes of the budget."""
_SENTENCE = "Too many large reviews are being answered at the moment."


def chunk(size: int) -> bytes:
    """Write a chunk of so many spaces."""
    return b"%x\r\n" % size + b" " * size + b"\r\n"


_CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def test_body_that_does_not_come_is_not_waited_for(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that stops in the middle of its body gets a 408 and loses its connection."""
    monkeypatch.setattr(bodies, "_GRACE", 0.05)
    with connected(server) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        response = http.client.HTTPResponse(connection)
        response.begin()

        assert (response.status, response.getheader("connection")) == (408, "close")
        assert b"did not arrive in time" in response.read()
    assert server.count(REJECTED, code="408") == 1


def test_slow_body_is_not_waited_for(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that goes on sending, but less than it has to, gets a 408 as well."""
    monkeypatch.setattr(bodies, "_GRACE", 0.05)
    with connected(server) as connection:
        connection.sendall(_CHUNKED)
        with contextlib.suppress(ConnectionError):
            while not server.count(REJECTED, code="408"):
                connection.sendall(chunk(1))
        assert answer(connection)[0] == 408


def test_body_that_keeps_arriving_is_waited_for(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that arrive give time beyond the first seconds."""
    monkeypatch.setattr(bodies, "_GRACE", 0.1)
    monkeypatch.setattr(bodies, "_RATE", 1)
    monkeypatch.setattr(bodies, "_TIME", DEADLINE)
    with connected(server) as connection:
        connection.sendall(_ASKED[:-10])
        until(lambda: server.webhook.reviews.budget.used)
        time.sleep(0.2)  # longer than every body has
        connection.sendall(_ASKED[-10:])

        assert answer(connection)[0] == 200


def test_no_body_is_waited_for_longer_than_that(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What bytes give has an end."""
    monkeypatch.setattr(bodies, "_RATE", 1)
    monkeypatch.setattr(bodies, "_TIME", 0.05)
    with connected(server) as connection:
        connection.sendall(_ASKED[:-10])

        assert answer(connection)[0] == 408


def test_declared_size_takes_no_room(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who declares much and sends little keeps nobody out."""
    monkeypatch.setattr(server.webhook.reviews.budget, "limit", 2 * _COST)
    with connected(server) as first, connected(server) as second:
        first.sendall(HEAD + b"Content-Length: 20000000\r\n\r\n ")
        until(lambda: server.webhook.reviews.budget.used)
        second.sendall(_ASKED)

        assert answer(second)[0] == 200
        assert server.count(REJECTED, code="503") == 0


def test_larger_body_makes_room_for_a_smaller_one(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the budget is used up, the one who uses most is refused, and its connection goes on."""
    budget = server.webhook.reviews.budget
    monkeypatch.setattr(budget, "limit", 2 * _COST)
    with connected(server) as large, connected(server) as middle, connected(server) as small:
        large.sendall(_CHUNKED + chunk(_COST))
        until(lambda: budget.used == _COST)
        middle.sendall(_CHUNKED + chunk(_COST - 1))
        until(lambda: budget.used == 2 * _COST - 1)
        # In a chunk, since one that is answered at once takes no share.
        small.sendall(_CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(_REVIEW), _REVIEW))

        assert answer(small)[0] == 200
        status, text = answer(large)
        assert (status, json.loads(text)["message"]) == (503, _SENTENCE)
        until(lambda: budget.used == _COST - 1)
        large.sendall(b"0\r\n\r\n" + _ASKED)
        assert answer(large)[0] == 200
    assert server.count(REJECTED, code="503") == 1


def test_body_that_is_the_largest_is_refused(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would use most of all gets the refusal itself, which asks for no retry."""
    budget = server.webhook.reviews.budget
    monkeypatch.setattr(budget, "limit", 100)
    with connected(server) as other, connected(server) as connection:
        other.sendall(_CHUNKED + chunk(10))
        until(lambda: budget.used == 10)
        connection.sendall(_CHUNKED + chunk(80))
        until(lambda: budget.used == 90)
        connection.sendall(chunk(80))
        response = http.client.HTTPResponse(connection)
        response.begin()

        assert response.status == 503
        assert response.getheader("retry-after") is None
        until(lambda: budget.used == 10)
    until(lambda: budget.used == 0)


def test_small_review_has_room_for_certain(files: Files) -> None:
    """However many connections want room, there is as much for each as a small review needs."""
    small = bodies._SMALL * (1 + bodies._SMALL_COST)  # noqa: SLF001

    assert small * settings_for(files).limits.connections <= bodies.BUDGET


def test_small_reviews_do_not_notice_large_ones(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow uploads that would fill the budget many times cost no small review anything."""
    budget = server.webhook.reviews.budget
    monkeypatch.setattr(budget, "limit", 1024 * 1024)
    with contextlib.ExitStack() as stack:
        uploads = [stack.enter_context(connected(server)) for _ in range(8)]
        for upload in uploads:
            upload.sendall(_CHUNKED + chunk(200 * 1024))
        until(lambda: server.count(REJECTED, code="503"))
        small = stack.enter_context(connected(server))
        for _ in range(50):
            small.sendall(_ASKED)
            assert answer(small)[0] == 200
        assert budget.used > budget.limit - 2 * 200 * 1024


def test_review_that_waits_makes_room_as_well(files: Files) -> None:
    """A large review that is complete and waits for labels is refused like one that arrives."""
    namespaces = Held()
    settings = dataclasses.replace(settings_for(files), shutdown=Shutdown(grace=0))
    with running(settings, namespaces, files.ca) as server:
        budget = server.webhook.reviews.budget
        large = review("Pod", pod(env="x" * 100_000))
        with connected(server) as first, connected(server) as second:
            first.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(large) + large)
            until(lambda: namespaces.was_asked(1))
            budget.limit = budget.used + 10
            second.sendall(_ASKED)

            assert answer(first)[0] == 503
            until(lambda: namespaces.was_asked(2))
            namespaces.let_go()
            assert answer(second)[0] == 200


def test_tiny_parts_are_refused(server: Running) -> None:
    """A body that decoding would make many times larger is refused by the number of its parts."""
    large = review("Pod", pod(env="@@")).replace(b"@@", b"x" * 6_000_000)
    parts = review("Pod", pod()).replace(
        b'"containers": [', b'"containers": [' + b"{}," * 2_000_000
    )

    assert server.post(large).status == 200
    response = server.post(parts)
    assert response.status == 413
    assert "parts, which no review" in response.json()["message"]


def test_who_gives_way_takes_nothing_more() -> None:
    """Between the word and the interruption nothing is counted that nobody would give back."""
    budget = Budget(limit=100)

    async def asked_twice() -> None:
        async with Body(budget, 100) as body:
            body.give_way()
            asyncio.get_running_loop().call_soon(body.give_way)
            await asyncio.sleep(DEADLINE)

    async def still_running() -> None:
        async with Body(budget, 100) as body:
            body.give_way()
            body._take(1)  # noqa: SLF001

    for attempt in (asked_twice, still_running):
        with pytest.raises(HTTPException) as refused:
            asyncio.run(attempt())
        assert refused.value.status_code == 503
        assert (budget.used, budget.bodies) == (0, set())
