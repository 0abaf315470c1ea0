"""The process that creates Pods is told what to do, and what went wrong is no figure."""

import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks import BenchmarkError
from benchmarks.cluster.creating import Order, Outcome
from benchmarks.cluster.creator import Creator
from tests.unit.benchmarks.cluster.rounds import outcome

ORDER = Order("shop", 8, 2.0)
ANSWERING = "import sys\nfor line in sys.stdin: print(sys.argv[1] + '\\n', flush=True)"
"""A program that gives its argument as the answer to every order, and has deleted at once."""
ENDING = "import sys; sys.exit('no API server')"


def answering(found: Outcome, folder: Path) -> Creator:
    """Make one whose every order has this outcome."""
    answer = msgspec.json.encode(found).decode()
    return Creator([sys.executable, "-c", ANSWERING, answer], folder / "log")


def test_orders_are_carried_out(tmp_path: Path) -> None:
    """One process answers one order after the other."""
    found = outcome(0.004)
    with answering(found, tmp_path) as creator:
        assert [creator.create(ORDER), creator.create(ORDER)] == [found, found]
        creator.wait_until_deleted()
        creator.wait_until_deleted()  # nothing is to be deleted any more
        assert creator.create(ORDER) == found


def test_failed_creation_is_no_figure(tmp_path: Path) -> None:
    """Where a creation failed nothing is measured, and the API server's words are shown."""
    found = msgspec.structs.replace(outcome(0.004), failed=3, errors=["500 boom"])
    with (
        answering(found, tmp_path) as creator,
        pytest.raises(BenchmarkError, match=r"3 of 200 creations in shop failed: 500 boom\."),
    ):
        creator.create(ORDER)


def test_process_that_ended_is_told(tmp_path: Path) -> None:
    """Where the process has ended its last words are shown."""
    with (
        Creator([sys.executable, "-c", ENDING], tmp_path / "log") as creator,
        pytest.raises(BenchmarkError, match="no API server"),
    ):
        creator.create(ORDER)
