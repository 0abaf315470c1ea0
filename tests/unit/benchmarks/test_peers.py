"""Peers do the same job, and what they need is asked for at once."""

import importlib.util
import json
from pathlib import Path

import pytest

from benchmarks import BenchmarkError, answers, servers
from benchmarks.answers import Answer
from benchmarks.peers import commands
from benchmarks.peers.usual_python import __main__ as usual_python
from benchmarks.reviews import REVIEWS, Review
from tests import programs


@pytest.mark.anyio
@pytest.mark.parametrize("review", REVIEWS.values(), ids=REVIEWS)
async def test_usual_python_answers_the_same(review: Review) -> None:
    """The usual Python way gives the answers that the webhook gives."""
    answer = await usual_python.mutate(json.loads(review.body))

    answers.check("usual-python", review, Answer(200, json.dumps(answer).encode()))


def test_all_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs, what is built and what is installed are asked for in one message."""
    monkeypatch.setattr(programs, "search_path", lambda: str(tmp_path))
    monkeypatch.setattr(commands, "CONTROLLER_RUNTIME_BINARY", tmp_path.parent / "x" / "y")
    monkeypatch.setattr(commands, "BUILD", tmp_path.parent / "x")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(BenchmarkError) as caught:
        commands.require([*servers.NAMES, "wrk"])

    debian, built, python = str(caught.value).splitlines()
    assert debian.endswith("apt-get install --no-install-recommends nginx wrk")
    assert built.endswith("make x/y")
    assert python.endswith("pip install -r requirements/bench.txt")


def test_webhook_needs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The webhook itself and the usual Python way run on what every developer has."""
    monkeypatch.setattr(programs, "search_path", lambda: str(tmp_path))

    commands.require([servers.OURS, commands.USUAL_PYTHON])


def test_releases_are_named() -> None:
    """Each peer has a release, or is unknown where its program is not installed."""
    found = commands.versions()

    assert found["controller-runtime"][0].isdigit()
    assert found["fastapi"][0].isdigit()
    assert set(found) >= {"Go", "nginx", "wrk"}


def test_program_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ends at once is named, with the end of what it wrote."""
    monkeypatch.setitem(commands.PEERS, "usual-python", lambda _folder, _port: ["/bin/ls", "/-"])

    with (
        pytest.raises(BenchmarkError, match=r"(?s)^usual-python ended before .*/-"),
        servers.running("usual-python", tmp_path / "peer"),
    ):
        pytest.fail("it runs")
