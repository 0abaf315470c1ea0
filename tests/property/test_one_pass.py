"""A review that is decoded in one pass is read as in two, and refused with the same sentence."""

import json
import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.effort import tried
from tests.reviews import RECORDED, Json, recorded, review
from tests.situations import ENABLED, SITUATIONS, Situation, pod
from webhook.admission import answer
from webhook.admission.answer import ReviewError, receive
from webhook.admission.options import Options

NEVER: Final = re.compile(rb"(?!)")


def compact(body: bytes) -> bytes:
    """Write a review as Go's encoder does: the kind early, no blanks, ``<`` escaped."""
    document = json.loads(body)
    request = document["request"]
    request = {"uid": request.pop("uid"), "kind": request.pop("kind"), **request}
    text = json.dumps({**document, "request": request}, separators=(",", ":"))
    return text.replace("<", "\\u003c").encode()


WHOLE: Final = compact(review("Pod", pod({"a": "b"})))


def read(body: bytes) -> Any:
    """Tell all that comes of a body: what it asks, and what is decided."""
    try:
        admission = receive(body)
    except ReviewError as error:
        return str(error)
    request = admission.request
    about = (request.uid, request.kind, request.operation, request.namespace, request.dry_run)
    return about, admission.name, admission.decide(ENABLED, Options()), admission.old_object


def both(body: bytes) -> tuple[Any, Any]:
    """Read a body as it is read, and in two passes."""
    quick = read(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answer, "_KIND", NEVER)
        return quick, read(body)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda row: row.says)
def test_situation_is_read_alike(situation: Situation) -> None:
    """Every situation, of Pods and of Services, as it is created and as it is updated."""
    quick, usual = both(compact(situation.review()))

    assert quick == usual


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDED.iterdir()))
def test_recording_is_read_in_one_pass(name: str) -> None:
    """It is not empty talk: what the API server has sent is read so, if it creates something."""
    body = compact(recorded(name))
    creates = json.loads(body)["request"]["operation"] == "CREATE"

    assert (answer._receive_creation(body) is not None) is creates  # noqa: SLF001


@tried(100)
@given(st.integers(0, len(WHOLE)), st.integers(0, 8), st.binary(max_size=8))
def test_damaged_review_is_read_alike(start: int, length: int, patch: bytes) -> None:
    """Whatever bytes are lost, added or changed."""
    quick, usual = both(WHOLE[:start] + patch + WHOLE[start + length :])

    assert quick == usual


@pytest.mark.parametrize(
    "change",
    [
        {"kind": {"group": "", "version": "v1", "kind": "Service"}},
        {"kind": {"group": "apps", "version": "v1", "kind": "Pod"}},
        {"operation": "DELETE"},
        {"operation": "UPDATE"},
        {"subResource": "status"},
        {"object": None},
        {"object": {"metadata": {}, "spec": []}},
        {"uid": 1},
    ],
    ids=json.dumps,
)
def test_beginning_that_is_not_true_is_not_believed(change: Json) -> None:
    """A second member of the same name counts, as for any decoder, and not the first."""
    more = json.dumps(change)[1:-1].encode()
    quick, usual = both(WHOLE[: -len(b"}}")] + b"," + more + b"}}")

    assert quick == usual
