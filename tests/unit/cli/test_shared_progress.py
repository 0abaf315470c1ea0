"""How far a preview is, on a terminal."""

import io
import sys
from pathlib import Path

import pytest

from webhook.cli import main, shared
from webhook.cli.shared import Bar

ERASED = "\x1b[2K"
MANIFESTS = "---\n".join(
    f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p{count}}}\nspec: {{}}\n" for count in range(4)
)


class Terminal(io.StringIO):
    """A terminal that remembers what was written to it."""

    def isatty(self) -> bool:
        """Say that this is one."""
        return True

    def written(self) -> str:
        """Take what was written since the last time."""
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


class Clock:
    """A clock that stands still."""

    now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give a terminal of a common kind."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal()


def test_bar(terminal: Terminal) -> None:
    """A bar comes after a second, moves ten times in a second, and leaves nothing behind."""
    clock = Clock()
    bar = Bar(terminal, clock)
    bar.at("Reading [a].yaml", 1, 10)
    clock.now += 0.9
    bar.at("Reading [a].yaml", 2, 10)
    assert terminal.written() == ""

    clock.now += 0.1
    bar.at("Reading [a].yaml", 3, 10)
    shown = terminal.written()
    assert "Reading [a].yaml" in shown
    assert " 30%" in shown
    assert " 0%" not in shown
    assert "[progress" not in shown

    clock.now += 0.05
    bar.at("Reading [a].yaml", 4, 10)
    assert terminal.written() == ""

    clock.now += 0.05
    bar.at("Deciding", 1, 2)
    shown = terminal.written()
    assert "Deciding" in shown
    assert "50%" in shown

    bar.clear()
    assert terminal.written().endswith(ERASED)
    bar.clear()
    assert terminal.written() == ""

    clock.now += 1
    bar.at("Deciding", 2, 2)
    assert "100%" in terminal.written()
    bar.clear()


def test_bar_of_what_nobody_knows_the_end_of(terminal: Terminal) -> None:
    """Where only what is done can be counted, that is shown, and no percentage."""
    clock = Clock()
    bar = Bar(terminal, clock)
    clock.now += 1
    bar.count("pods", 1500)
    shown = terminal.written()
    bar.close()

    assert "Reading pods: 1500" in shown
    assert "%" not in shown


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_no_terminal(stream: io.StringIO | None) -> None:
    """A pipe, a file and a closed stream get no bar, however long it takes."""
    clock = Clock()
    bar = Bar(stream, clock)
    clock.now += 60
    bar.at("Reading", 1, 2)
    bar.clear()
    assert stream is None or stream.getvalue() == ""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bars come at once."""
    monkeypatch.setattr(shared, "_PATIENCE", 0.0)
    monkeypatch.setattr(shared, "_INTERVAL", 0.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("output", ["table", "json", "yaml", "diff"])
def test_preview(
    tmp_path: Path,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str,
) -> None:
    """The stages of a preview are shown, and are gone before anything else is written."""
    file = tmp_path / "f.yaml"
    file.write_text(f"{MANIFESTS}---\na: [\n")
    command = ["preview", str(file), "-o", output, "--keep-going"]
    assert main(command, standalone_mode=False) == 1
    plain = capsys.readouterr()
    stages = ["Reading", "Deciding", *(["Writing"] if output in {"yaml", "diff"} else [])]
    assert not any(stage in plain.err for stage in stages)
    monkeypatch.setattr(sys, "stderr", terminal)

    assert main(command, standalone_mode=False) == 1

    assert capsys.readouterr().out == plain.out
    shown = terminal.written()
    assert [stage for stage in ("Reading", "Deciding", "Writing") if stage in shown] == stages
    assert all(line in shown for line in plain.err.splitlines())
    last = shown.rpartition(ERASED)[2]
    assert last == "" or plain.err.endswith(last)


@pytest.mark.usefixtures("impatient")
def test_sentence_beside_the_bar(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence that is told while a bar is shown gets lines of its own."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "f.yaml").write_text(MANIFESTS)
    (tmp_path / "b" / "values.yaml").write_text("a: 1\n")
    monkeypatch.setattr(sys, "stderr", terminal)

    main(["preview", str(tmp_path / "a"), str(tmp_path / "b")], standalone_mode=False)

    before, sentence, _ = terminal.written().partition(str(tmp_path / "b" / "values.yaml"))
    assert sentence
    assert before.endswith(ERASED)
