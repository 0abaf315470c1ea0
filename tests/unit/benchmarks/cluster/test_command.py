"""The command says what is missing before anything is started."""

import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.cluster.__main__ import main
from benchmarks.peers import commands


def test_peers_that_are_not_built_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the programs of peers there is one sentence with the cure, and no cluster."""
    monkeypatch.setattr(commands, "BUILD", tmp_path / ".build")
    monkeypatch.setattr(commands, "CONTROLLER_RUNTIME_BINARY", tmp_path / ".build" / "peer")
    monkeypatch.setattr(commands, "LEAST_BINARY", tmp_path / ".build" / "other")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # it is this process'
    done = CliRunner().invoke(main)

    assert done.exit_code == 2
    assert done.output.rstrip().endswith("make .build/peer .build/other")
    assert "starting" not in done.output
