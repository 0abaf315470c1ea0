"""Writes: what is sent, what becomes of errors, and that no body is ever shown."""

import logging
import traceback

import pytest

from tests.unit.cluster.scripted import Scripted
from webhook import __version__
from webhook.cluster import (
    ClusterError,
    Conflict,
    Expired,
    Forbidden,
    NotFound,
    Rejected,
    RejectedWithoutCause,
    Unreachable,
)
from webhook.cluster.client import Answer, Client, add_operation
from webhook.cluster.transport import Request

PATH = "/api/v1/namespaces/x/secrets/y"
JSON_PATCH = "application/json-patch+json"
PATCH = [{"op": "add", "path": "/data", "value": {"key": "Y29uZmlkZW50aWFs"}}]


def patch(client: Client) -> Answer:
    """Send a patch with something confidential in it."""
    return client.send("PATCH", PATH, PATCH, content_type=JSON_PATCH, params={"a": "b c"})


def invalid(*fields: str) -> dict[str, object]:
    """Make the Status that quotes what was sent."""
    causes = [{"field": field, "message": "Invalid: Y29uZmlkZW50aWFs"} for field in fields]
    return {"message": "Invalid value: Y29uZmlkZW50aWFs", "details": {"causes": causes}}


def test_patch_is_sent_as_it_is(scripted: Scripted, writer: Client) -> None:
    """A JSON Patch keeps its media type, and carries credentials, query and our name."""
    scripted.answer(200, b"{}")
    assert patch(writer).body == b"{}"
    (asked,) = scripted.asked
    assert (asked.method, asked.path, asked.params) == ("PATCH", PATH, {"a": "b c"})
    assert asked.body == PATCH
    assert asked.headers["content-type"] == JSON_PATCH
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["authorization"] == "Bearer secret-token"
    assert asked.headers["user-agent"] == f"source-ip-webhook/{__version__}"


def test_post_is_json(scripted: Scripted, writer: Client) -> None:
    """An object is sent as JSON, and 201 is as good as 200."""
    scripted.answer(201, b'{"kind": "Secret"}')
    assert writer.send("POST", PATH, {"kind": "Secret"}).body == b'{"kind": "Secret"}'
    (asked,) = scripted.asked
    assert (asked.method, asked.params, asked.body) == ("POST", {}, {"kind": "Secret"})
    assert asked.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (202, Unreachable),
        (307, Unreachable),
        (400, Unreachable),
        (403, Forbidden),
        (404, NotFound),
        (409, Unreachable),
        (410, Expired),
        (413, Unreachable),
        (429, Unreachable),
        (500, Unreachable),
    ],
)
def test_error_has_a_kind(
    scripted: Scripted, writer: Client, status: int, kind: type[ClusterError]
) -> None:
    """Each way to fail is the error that says what the caller can do, and is not tried again."""
    scripted.answer(status, {"message": "for a\nreason"})
    with pytest.raises(kind, match=rf"^patch {PATH}: HTTP {status}, "):
        patch(writer)
    assert len(scripted.asked) == 1


def test_connection_that_breaks_is_not_tried_again(scripted: Scripted, writer: Client) -> None:
    """Whether it was done is not known, so it is the caller who decides."""
    with pytest.raises(Unreachable, match=rf"^patch {PATH}: "):
        patch(writer)
    assert len(scripted.asked) == 1


def test_answer_that_breaks_off_is_an_error(scripted: Scripted, writer: Client) -> None:
    """A good status with half of its body is no answer."""
    scripted.answer(200, b"{", missing=10)
    with pytest.raises(Unreachable, match=f"^patch {PATH} broke off"):
        patch(writer)


def test_refused_token_is_read_again(scripted: Scripted, writer: Client) -> None:
    """What was refused was not done, so the whole body is sent a second time."""
    scripted.answer(401, {"message": "Unauthorized"})
    scripted.answer(200, b"{}")
    patch(writer)
    assert [asked.body for asked in scripted.asked] == [PATCH, PATCH]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Conflict", Conflict),
        ("AlreadyExists", Conflict),
        ("Forbidden", Unreachable),
        ("", Unreachable),
    ],
)
def test_only_a_real_conflict_is_one(
    scripted: Scripted, writer: Client, reason: str, kind: type[ClusterError]
) -> None:
    """409 alone does not mean that somebody else was first: a policy may answer with it too."""
    scripted.answer(409, {"message": "no", "reason": reason})
    with pytest.raises(kind, match=r"HTTP 409, no$"):
        patch(writer)


DENIED = "ValidatingAdmissionPolicy 'only-us.example' with binding 'b' denied request"
HOOK = 'admission webhook "hook.example.org" denied the request'


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (invalid("data[a b]", "patch"), Rejected, "data[a b] is not valid, patch is not valid"),
        (invalid("", "data", " "), Rejected, "data is not valid"),
        (invalid(""), Rejected, "no reason given"),
        (invalid(), RejectedWithoutCause, "the patch does not fit the object"),
        (
            invalid("") | {"message": f'x "y" is forbidden: {DENIED}: Y29uZmlkZW50aWFs'},
            Rejected,
            DENIED,
        ),
        ({"message": f"{HOOK}: Y29uZmlkZW50aWFs"}, RejectedWithoutCause, HOOK),
    ],
)
def test_refusal_says_by_whom_or_where(
    scripted: Scripted,
    writer: Client,
    answer: dict[str, object],
    kind: type[ClusterError],
    text: str,
) -> None:
    """422 names the policy or the fields, nothing of what was sent, and no part of it is empty."""
    scripted.answer(422, answer)
    with pytest.raises(kind) as caught:
        patch(writer)
    assert str(caught.value) == f"patch {PATH}: HTTP 422, {text}"
    assert type(caught.value) is kind


@pytest.mark.parametrize(("now", "kind"), [("8", Conflict), ("7", RejectedWithoutCause)])
def test_patch_that_does_not_fit_is_looked_into(
    scripted: Scripted, writer: Client, now: str, kind: type[ClusterError]
) -> None:
    """It is a conflict where the object has changed, and nobody's fault but a policy's else."""
    scripted.answer(422, {"message": "the server rejected our request", "details": {}})
    scripted.answer(200, {"metadata": {"resourceVersion": now}})
    with pytest.raises(kind, match="HTTP 422, the patch does not fit the object"):
        writer.patch(PATH, [add_operation("/data", {})], "7")
    assert [asked.method for asked in scripted.asked] == ["PATCH", "GET"]


def test_422_of_a_read_is_no_conflict(scripted: Scripted, writer: Client) -> None:
    """Nothing was to be changed, and what the server says about it is told."""
    scripted.answer(422, {"message": "no such selector"})
    with pytest.raises(Unreachable, match="HTTP 422, no such selector"):
        writer.get(PATH)


@pytest.mark.parametrize(
    ("status", "body", "missing"),
    [
        (200, b"Y29uZmlkZW50aWFs", 10),
        (400, invalid("data"), 0),
        (422, invalid(), 0),
        (422, invalid("patch"), 0),
        (500, b"Y29uZmlkZW50aWFs", 0),
        (403, {"message": "no"}, 0),
    ],
)
def test_bodies_are_not_shown(  # noqa: PLR0917  fixtures
    scripted: Scripted,
    writer: Client,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: object,
    missing: int,
) -> None:
    """Neither what was sent nor what was answered is in an error, its causes, or a log at DEBUG."""
    caplog.set_level(logging.DEBUG)
    scripted.answer(status, body, missing=missing)
    with pytest.raises(ClusterError) as caught:
        patch(writer)
    text = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert PATH in text
    assert "Y29uZmlkZW50aWFs" not in text


def test_bodies_are_not_in_representations() -> None:
    """A traceback that shows local variables does not show a Secret either."""
    request = Request(
        what="patch x", method="PATCH", path="x", params={}, headers={}, timeout=1.0, body=PATCH
    )
    assert "Y29uZmlkZW50aWFs" not in repr(request)
    assert repr(Answer(b"Y29uZmlkZW50aWFs", None)) == "Answer(16 bytes, date=None)"
