"""The fuzzer itself: it runs, it can be run again, and it notices what it is there to notice."""

import json
import random

import pytest
from click.testing import CliRunner

from tests.fuzz.cases import Case, Cases, chunked, post
from tests.fuzz.client import Answer
from tests.fuzz.mutations import Mutator
from tests.fuzz.requests import main
from tests.fuzz.seeds import NAMESPACES, REVIEWS, namespaces_file
from tests.fuzz.tally import Tally
from tests.reviews import review
from tests.situations import pod
from webhook.admission.answer import ReviewError, receive, respond
from webhook.admission.options import Options

REVIEW = review("Pod", pod(), uid="u")
CASE = Case("review", post(REVIEW), frozenset({200, 400}), REVIEW)


def refused(sentence: str, code: int = 400) -> bytes:
    """Write a refusal as the server does."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
    return json.dumps({**status, "message": sentence, "code": code}).encode()


def test_a_few_hundred_requests() -> None:
    """The real server survives a small run of what ``make fuzz`` sends it a million of."""
    done = CliRunner().invoke(main, ["400", "--connections", "2", "--growth", "32"])

    assert done.exit_code == 0, done.output
    assert "failures                   none" in done.output


def test_same_seed_same_requests() -> None:
    """A run can be had again, request by request, and another seed makes another one."""
    runs: list[list[bytes]] = []
    for seed in (1, 1, 2):
        source = Cases(seed)
        runs.append([source.next().sent for _ in range(200)])

    assert runs[0] == runs[1] != runs[2]


def test_requests_are_of_every_sort() -> None:
    """Most are reviews; each other sort turns up as well."""
    source = Cases(0)
    sorts = [source.next().sort for _ in range(5000)]

    assert sorts.count("review") > 4000
    assert len(set(sorts)) == 9


def test_mutations_leave_enough_to_decide() -> None:
    """Neither all nor none of the mutated reviews are refused, and some are still patched."""
    mutator = Mutator(random.Random(0))  # noqa: S311  reproducible, not secret
    refused = patched = 0
    for _ in range(1000):
        try:
            admission = receive(mutator.review())
        except ReviewError:
            refused += 1
        else:
            (decision,) = admission.decide(None, Options())
            patched += decision.patch is not None

    assert 200 < refused < 800
    assert patched > 50


def test_namespaces_are_the_tables() -> None:
    """The server knows a namespace for every set of labels of the table of situations."""
    written = [json.loads(text) for text in namespaces_file().split("\n---\n")]

    assert [item["metadata"]["labels"] for item in written] == list(NAMESPACES.values())
    assert len(REVIEWS) > 50


def test_chunks_are_the_whole_body() -> None:
    """A body in pieces is the body."""
    sent = chunked(b"abcdefgh", 3).partition(b"\r\n\r\n")[2]

    assert sent == b"3\r\nabc\r\n3\r\ndef\r\n2\r\ngh\r\n0\r\n\r\n"


def test_good_answers_are_no_failures() -> None:
    """An answer with a good patch, and a refusal in one sentence, are counted and no more."""
    tally = Tally()
    tally.count(CASE, Answer(200, respond("u", receive(REVIEW).decide(None, Options()))))
    tally.count(CASE, Answer(400, refused("The body is no review.")))

    assert (tally.total, tally.patched, tally.failures) == (2, 1, {})


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Answer(500, b"The webhook failed."), "5xx"),
        (Answer(503, b""), "5xx"),
        (Answer(404, b"Nothing is here."), "unexpected status"),
        (Answer(200, b"{}"), "bad answer"),
        (Answer(200, b"\xff"), "bad answer"),
        (Answer(200, respond("v", receive(REVIEW).decide(None, Options()))), "bad answer"),
        (Answer(400, refused("Two\nlines.")), "bad refusal"),
        (Answer(400, b"The body is no review."), "bad refusal"),
        (Answer(400, refused("The body is no review.", 404)), "bad refusal"),
        (Answer(400, b"\xff"), "bad refusal"),
    ],
)
def test_failure_is_noticed(answer: Answer, failure: str) -> None:
    """What must not be is counted as what it is, with an example."""
    tally = Tally()
    tally.count(CASE, answer)

    assert tally.failures == {failure: 1}
    assert failure in tally.examples[0]
