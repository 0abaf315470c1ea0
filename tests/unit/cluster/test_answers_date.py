"""The API server's clock."""

import datetime as dt

import pytest

from tests.unit.cluster.scripted import DATE, Scripted
from webhook.cluster import NotFound, answers
from webhook.cluster.client import Client

TIME = dt.datetime(2015, 10, 21, 7, 28, tzinfo=dt.UTC)


def test_answers_tell_the_time(scripted: Scripted, writer: Client) -> None:
    """A read, a write and an error each have the time at which the API server answered."""
    scripted.answer(200, b"{}")
    assert writer.get("/x").date == TIME
    scripted.answer(200, b"{}")
    assert writer.send("POST", "/x", {"a": 1}).date == TIME
    scripted.answer(404, {})
    with pytest.raises(NotFound) as caught:
        writer.get("/x")
    assert caught.value.date == TIME


def test_answer_without_a_date(scripted: Scripted, writer: Client) -> None:
    """The header is optional for a server without a clock."""
    scripted.answer(200, b"{}", date=None)
    assert writer.get("/x").date is None


@pytest.mark.parametrize(
    "text",
    [
        DATE,
        "Wednesday, 21-Oct-15 07:28:00 GMT",
        "Wed Oct 21 07:28:00 2015",
        "Wed, 21 Oct 2015 09:28:00 +0200",
    ],
)
def test_date_is_utc(text: str) -> None:
    """All three formats of HTTP are read, and another zone is converted."""
    told = answers.date({"Date": text})
    assert told == TIME
    assert told is not None
    assert told.tzinfo is dt.UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Wed, 21 Oct 2015 25:28:00 GMT",
        "Wed, 21 Oct 99999999999999 07:28:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -0500",
        "Wed, 21 Oct 2015 07:28:00 +9999999",
    ],
)
def test_nonsense_is_no_date(text: str) -> None:
    """A header that makes no sense is as good as none."""
    assert answers.date({"Date": text}) is None
