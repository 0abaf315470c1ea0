"""Reviews of any size are real ones, and the right answer to them is known."""

import json

import pytest

from benchmarks import answers
from benchmarks.answers import Answer
from benchmarks.growth.sizes import ANNOTATIONS, CONTAINERS, ESCAPED, TEXT, review
from benchmarks.reviews import REVIEWS
from tests.situations import ENABLED
from webhook.admission.answer import receive, respond
from webhook.admission.options import Options

SHAPES = (CONTAINERS, TEXT, ESCAPED, ANNOTATIONS)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [9_000, 67_000, 300_000])
def test_size_is_what_was_asked_for(shape: str, size: int) -> None:
    """A review has as many bytes as were asked for, within an eighth: parts are not cut."""
    assert len(review(shape, size).body) == pytest.approx(size, rel=0.125)


@pytest.mark.parametrize("shape", SHAPES)
def test_answer_of_the_webhook_is_right(shape: str) -> None:
    """Each of them gets the patch, and keeps the annotations that it had."""
    made = review(shape, 67_000)
    admission = receive(made.body)
    answer = respond(admission.request.uid, admission.decide(ENABLED, Options()))

    answers.check("webhook", made, Answer(200, answer))


@pytest.mark.parametrize("shape", SHAPES)
def test_smallest_is_the_recorded_one(shape: str) -> None:
    """Where there is no room for more, a Pod has at most an empty variable more."""
    small = len(REVIEWS["pod-2k"].body)

    assert small <= len(review(shape, 0).body) < small + 50


def test_escaped_as_go_does() -> None:
    """What is escaped means the same, and takes six bytes for one."""
    body = review(ESCAPED, 9_000).body
    (container,) = json.loads(body)["request"]["object"]["spec"]["containers"]
    value = container["env"][0]["value"]

    assert set(value) == {"<"}
    assert b"<" not in body
    assert body.count(b"\\u003c") == len(value)


def test_every_container_is_owned() -> None:
    """Each container has its fields in managedFields, as in a real object."""
    metadata, spec = (
        json.loads(review(CONTAINERS, 67_000).body)["request"]["object"][part]
        for part in ("metadata", "spec")
    )
    owned = metadata["managedFields"][0]["fieldsV1"]["f:spec"]["f:containers"]

    assert set(owned) == {f'k:{{"name":"{each["name"]}"}}' for each in spec["containers"]}
