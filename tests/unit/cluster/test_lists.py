"""Lists that are read page by page, from an API server that may be busy or away."""

import itertools
from typing import Any

import msgspec
import pytest
import tenacity

from tests.unit.cluster.scripted import Scripted
from webhook.cluster import ClusterError, Expired, Forbidden, Unreachable, lists
from webhook.cluster.answers import Page
from webhook.cluster.client import Answer, Client

PATH = "/api/v1/pods"


class Named(msgspec.Struct):
    """An object of which no more is read than that it is there."""

    name: str


decoder = msgspec.json.Decoder(Page[Named])


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no time pass, and remember for how long it was asked to."""
    slept: list[float] = []
    monkeypatch.setattr(tenacity.nap, "sleep", slept.append)
    monkeypatch.setattr(lists.read, "__defaults__", (slept.append,))
    return slept


def page(*names: str, more: str = "") -> dict[str, Any]:
    """Make a page."""
    metadata = {"resourceVersion": "1", "continue": more}
    return {"metadata": metadata, "items": [{"name": name} for name in names]}


def names(client: Client, **query: str) -> list[list[str]]:
    """Read the names in each page."""
    return [[each.name for each in items] for items in lists.pages(client, PATH, decoder, query)]


def test_pages_follow_each_other(scripted: Scripted, writer: Client) -> None:
    """Every page is asked for with the query, a limit, and the token of the one before."""
    scripted.answer(200, page("a", "b", more="next"))
    scripted.answer(200, page("c"))

    assert names(writer, labelSelector="app=web") == [["a", "b"], ["c"]]
    assert [asked.params for asked in scripted.asked] == [
        {"labelSelector": "app=web", "limit": "500"},
        {"labelSelector": "app=web", "limit": "500", "continue": "next"},
    ]


def test_one_page_at_a_time_is_asked_for(scripted: Scripted, writer: Client) -> None:
    """Nothing is read ahead: the next page is asked for once the one before is done with."""
    scripted.answer(200, page("a", more="next"))
    read = lists.pages(writer, PATH, decoder, limit=1)

    assert [each.name for each in next(read)] == ["a"]
    assert len(scripted.asked) == 1


def test_media_type_may_be_chosen(scripted: Scripted, writer: Client) -> None:
    """Who needs no more than metadata asks for no more."""
    scripted.answer(200, page())
    list(lists.pages(writer, PATH, decoder, accept=lists.METADATA_ONLY))

    assert "PartialObjectMetadataList" in scripted.asked[0].headers["accept"]


def test_expired_list_goes_on_where_it_was(scripted: Scripted, writer: Client) -> None:
    """A list that takes too long goes on by the token that comes with the error."""
    scripted.answer(200, page("a", more="old"))
    scripted.answer(410, {"reason": "Expired", "metadata": {"continue": "inconsistent"}})
    scripted.answer(200, page("b"))

    assert names(writer) == [["a"], ["b"]]
    assert scripted.asked[2].params["continue"] == "inconsistent"


@pytest.mark.parametrize("token", ["", "old"])
def test_expired_list_that_cannot_go_on_is_an_error(
    scripted: Scripted, writer: Client, token: str
) -> None:
    """Without a token, or with the same again, nothing would be gained by asking."""
    scripted.answer(200, page("a", more="old"))
    scripted.answer(410, {"reason": "Expired", "metadata": {"continue": token}})
    with pytest.raises(Expired):
        names(writer)

    assert len(scripted.asked) == 2


@pytest.mark.parametrize(("told", "pause"), [("3", 3.0), ("600", 10.0)])
def test_busy_api_server_is_asked_again_when_it_wants_to_be(
    scripted: Scripted, writer: Client, pauses: list[float], told: str, pause: float
) -> None:
    """The pause is the one that is asked for, up to a limit."""
    scripted.answer(429, {"message": "too many requests"}, retry_after=told)
    scripted.answer(200, page("a"))

    assert names(writer) == [["a"]]
    assert pauses == [pause]


@pytest.mark.parametrize("told", [None, "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_api_server_that_says_nothing_is_asked_again_soon(
    scripted: Scripted, writer: Client, pauses: list[float], told: str | None
) -> None:
    """Without a number the pauses grow from a fraction of a second."""
    for _ in range(4):
        scripted.answer(503, {}, retry_after=told)
    scripted.answer(200, page("a"))

    assert names(writer) == [["a"]]
    limits = (0.2 * 2**attempt for attempt in itertools.count())
    assert len(pauses) == 4
    assert all(0 <= pause <= limit for pause, limit in zip(pauses, limits, strict=False))


def test_api_server_that_stays_away_is_an_error(
    scripted: Scripted, writer: Client, pauses: list[float]
) -> None:
    """After the last attempt its error is told."""
    for _ in range(9):
        scripted.answer(500, {"message": "out of order"})
    with pytest.raises(Unreachable, match="out of order"):
        names(writer)

    assert (len(scripted.asked), len(pauses)) == (5, 4)


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (400, Unreachable)])
def test_what_stays_refused_is_asked_for_once(
    scripted: Scripted, writer: Client, status: int, error: type[ClusterError]
) -> None:
    """A right does not come by asking again, and a selector that is none does not become one."""
    scripted.answer(status, {"message": "no"})
    with pytest.raises(error, match=f"HTTP {status}, no") as raised:
        names(writer)
    assert raised.value.status == status

    assert len(scripted.asked) == 1


def test_page_that_breaks_off_is_read_again(scripted: Scripted, writer: Client) -> None:
    """A connection that ends within a page costs that page alone."""
    scripted.answer(200, page("a", more="next"))
    scripted.answer(200, page("b"), missing=10)
    scripted.answer(200, page("b"))

    assert names(writer) == [["a"], ["b"]]


def test_any_request_that_only_reads_can_be_made_again() -> None:
    """Time passes as whoever asks says."""
    failures = [Unreachable("once")]
    slept: list[float] = []

    def ask() -> Answer:
        if failures:
            raise failures.pop()
        return Answer(b"{}", None)

    assert lists.read(ask, slept.append).body == b"{}"
    assert len(slept) == 1
