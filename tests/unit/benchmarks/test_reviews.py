"""The reviews of the benchmarks are what their names say, and the right answers are checked."""

import base64
import json
from pathlib import Path

import pytest

from benchmarks import BenchmarkError, answers, reviews
from benchmarks.answers import Answer
from benchmarks.reviews import REVIEWS, Review
from tests.situations import ENABLED
from webhook.admission.answer import receive, respond
from webhook.admission.options import Options

PATCHED, SKIPPED = REVIEWS["pod-9k"], REVIEWS["pod-9k-skipped"]


def answered(review: Review) -> bytes:
    """Answer a review as the webhook does."""
    admission = receive(review.body)
    return respond(admission.request.uid, admission.decide(ENABLED, Options()))


@pytest.mark.parametrize("review", REVIEWS.values(), ids=REVIEWS)
def test_answer_of_the_webhook_is_right(review: Review) -> None:
    """Each review gets the patch that it should get, or none if its object opts out."""
    answers.check("webhook", review, Answer(200, answered(review)))


@pytest.mark.parametrize(("name", "size"), [("pod-2k", 2), ("pod-9k", 9), ("pod-67k", 67)])
def test_size_is_that_of_the_name(name: str, size: int) -> None:
    """A review has the KB of its name, within a fifth, and its twin is about as large."""
    body, skipped = REVIEWS[name].body, REVIEWS[f"{name}-skipped"].body

    assert len(body) / 1000 == pytest.approx(size, rel=0.2)
    assert len(skipped) == pytest.approx(len(body), abs=60)


@pytest.mark.parametrize("name", [name for name in REVIEWS if "-skipped" not in name])
def test_page_has_the_size(name: str) -> None:
    """The page of the benchmarks says how large each review is."""
    page = Path(reviews.__file__).with_name("README.md").read_text("utf-8")

    assert f"| `{name}` | {len(REVIEWS[name].body):,} |" in page


def with_patch(*operations: object) -> Answer:
    """Answer the patched review with a patch."""
    content = json.loads(answered(PATCHED))
    patch = json.dumps(operations).encode()
    content["response"]["patch"] = base64.b64encode(patch).decode()
    return Answer(200, json.dumps(content).encode())


LABELLED = {"op": "add", "path": "/metadata/labels/x", "value": "y"}


@pytest.mark.parametrize(
    ("review", "answer", "words"),
    [
        (PATCHED, Answer(500, answered(PATCHED)), "its status is not 200"),
        (PATCHED, Answer(200, answered(SKIPPED)), "its patch is []"),
        (SKIPPED, Answer(200, answered(PATCHED)), "its patch is [{"),
        (PATCHED, with_patch(LABELLED), "its patch is [{"),
        (PATCHED, with_patch({"op": "remove", "path": "/no"}), "it cannot be read"),
        (PATCHED, Answer(200, b"<html>"), "it cannot be read"),
        (PATCHED, Answer(200, b"{}"), "it cannot be read"),
        (
            PATCHED,
            Answer(200, answered(PATCHED).replace(b'"allowed":true', b'"allowed":false')),
            "it does not allow this request",
        ),
    ],
    ids=["status", "no patch", "a patch", "another patch", "no fit", "HTML", "empty", "denied"],
)
def test_wrong_answer_is_refused(review: Review, answer: Answer, words: str) -> None:
    """A server that does something else than the others is not measured, and it is said why."""
    with pytest.raises(BenchmarkError, match=r"^peer answers pod-9k") as caught:
        answers.check("peer", review, answer)

    assert words in str(caught.value)
