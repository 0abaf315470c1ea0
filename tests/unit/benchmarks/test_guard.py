"""The guard says what has become dearer than its bound, and of what nothing can be said."""

from pathlib import Path

import pytest

from benchmarks import BenchmarkError
from benchmarks.guard import bounds
from benchmarks.guard.answering import CASES, request_of
from benchmarks.guard.bounds import Bound, Cost
from benchmarks.guard.callgrind import read
from benchmarks.reviews import REVIEWS

BOUND = Bound(instructions=200_000, allocations=100, reasons=("2026-01-01: First count.",))
DUMP = """\
# callgrind format
version: 1
events: Ir

ob=(1) /usr/lib/libpython3.11.so
fl=(1) ceval.c
fn=(1) _PyEval_EvalFrameDefault'2
100 1000
+5 200
cob=(2) /usr/lib/libc.so.6
cfn=(2) malloc
calls=30 0
* 900
-3 50
cfn=(3) calloc
calls=4 0
* 60

fn=(2)
0 700
fn=(1)
* 7

totals: 1957
"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """What callgrind writes at a mark."""
    path = tmp_path / "counted.2"
    path.write_text(DUMP)
    return path


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (Cost(200_000, 100), []),
        (
            Cost(225_000, 100),
            ["pod-9k: 225,000 instructions a review, 12.5% more than the bound of 200,000;"],
        ),
        (
            Cost(200_000, 103),
            ["pod-9k: 103 allocations a review, 3.0% more than the bound of 100;"],
        ),
        (
            Cost(200_001, 101),
            [
                "pod-9k: 200,001 instructions a review, 0.0% more than the bound of 200,000;",
                "pod-9k: 101 allocations a review, 1.0% more than the bound of 100;",
            ],
        ),
    ],
)
def test_what_exceeds_its_bound_is_said_in_one_sentence(cost: Cost, said: list[str]) -> None:
    """It says what grew, by how much, and what to do."""
    sentences = bounds.exceeded({"pod-9k": cost}, {"pod-9k": BOUND})
    assert [each.partition(" see ")[0] for each in sentences] == said
    assert all("--profile pod-9k" in each and "--record REASON" in each for each in sentences)


def test_case_without_a_bound_exceeds_none() -> None:
    """A case that is new has to be recorded first."""
    assert bounds.exceeded({"pod-9k": Cost(1, 1)}, {}) == []
    assert bounds.loose({"pod-9k": Cost(1, 1)}, {}) == []


@pytest.mark.parametrize(
    ("cost", "loose"),
    [
        (Cost(195_000, 98), False),
        (Cost(180_000, 98), True),
        (Cost(195_000, 90), True),
    ],
)
def test_bound_far_above_what_is_counted_is_called_loose(cost: Cost, *, loose: bool) -> None:
    """Else what was gained could be lost again without a word."""
    assert bounds.loose({"pod-9k": cost}, {"pod-9k": BOUND}) == ["pod-9k"] * loose


def test_recorded_bound_has_room_and_keeps_its_reasons(tmp_path: Path) -> None:
    """A bound is two hundredths above its count, and says of each change when and why."""
    made = bounds.recorded(
        {"pod-9k": Cost(100_000, 50)}, {"pod-9k": BOUND}, "Cheaper.", "2026-02-01"
    )
    assert made == {
        "pod-9k": Bound(
            instructions=102_000,
            allocations=51,
            reasons=(
                "2026-01-01: First count.",
                "2026-02-01: 100,000 instructions, 50 allocations. Cheaper.",
            ),
        )
    }
    path = tmp_path / "bounds.toml"
    bounds.save({"CPython 3.11.2, GCC 12.2.0, x86_64": made}, path)
    assert bounds.load(path) == {"CPython 3.11.2, GCC 12.2.0, x86_64": made}


@pytest.mark.parametrize("text", [None, "[", '["CPython 3.11.2".pod-9k]\ninstructions = "many"\n'])
def test_file_without_bounds_is_an_error_of_one_sentence(tmp_path: Path, text: str | None) -> None:
    """It is not taken for one in which nothing is bounded."""
    path = tmp_path / "bounds.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BenchmarkError, match="has no bounds"):
        bounds.load(path)


def test_every_case_has_its_bound_for_every_interpreter() -> None:
    """What is counted is bounded, wherever anything is."""
    for cases in bounds.load().values():
        assert cases.keys() == CASES.keys()
        assert all(bound.reasons for bound in cases.values())


def test_counts_of_functions_leave_out_what_they_call(dump: Path) -> None:
    """The cost of a call is the called function's own, which has a place of its own."""
    count = read(dump)
    assert count.instructions == 1957
    assert count.own == {"_PyEval_EvalFrameDefault": 1257, "malloc": 700}
    assert count.dearest(1) == {"_PyEval_EvalFrameDefault": 0.6423}


def test_calls_of_all_allocators_are_allocations(dump: Path) -> None:
    """Whichever of the C library's functions was called."""
    assert read(dump).allocations == 34


def test_request_comes_in_the_pieces_that_the_api_server_sends() -> None:
    """The first one is as large as the buffer of Go's client, and the rest comes behind it."""
    review = REVIEWS["pod-9k"]
    pieces = request_of(review)
    assert len(pieces[0]) == 4096
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    assert body == review.body
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
