"""Logs: one line per event, in the chosen form, and never more than asked."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from webhook import logs
from webhook.logs import escaped
from webhook.logs.writer import STDERR
from webhook.settings import LogFormat

pytestmark = pytest.mark.usefixtures("restored_logs")

DEADLINE = 20.0


def written(capfd: pytest.CaptureFixture[str]) -> str:
    """Wait for all lines, and read them."""
    assert STDERR.flush(DEADLINE)
    return capfd.readouterr().err


def test_json_is_one_object_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    """An event is one JSON object on standard error, with time and level."""
    logs.configure(LogFormat.JSON, "info")
    structlog.get_logger().info("happened", answer=42, where=object)
    line = json.loads(written(capfd))

    assert (line["event"], line["level"], line["answer"]) == ("happened", "info", 42)
    assert line["timestamp"].endswith("Z")


def test_console_is_for_people(capfd: pytest.CaptureFixture[str]) -> None:
    """The other form is a line of text, without colour where there is no terminal."""
    logs.configure(LogFormat.CONSOLE, "info")
    structlog.get_logger().info("happened", answer=42)
    text = written(capfd)

    assert "happened" in text
    assert "answer=42" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("form", LogFormat)
def test_less_severe_events_are_dropped(form: LogFormat, capfd: pytest.CaptureFixture[str]) -> None:
    """Below the level nothing is written."""
    logs.configure(form, "warning")
    structlog.get_logger().info("happened")

    assert written(capfd) == ""


@pytest.mark.parametrize("form", LogFormat)
def test_libraries_come_out_in_the_same_form(
    form: LogFormat, capfd: pytest.CaptureFixture[str]
) -> None:
    """A record of the standard library's logging is a line like ours."""
    logs.configure(form, "info")
    logging.getLogger("some.library").warning("went %s", "wrong")
    text = written(capfd)

    assert text.count("\n") == 1
    assert "went wrong" in (json.loads(text)["event"] if form is LogFormat.JSON else text)


@pytest.mark.parametrize("form", LogFormat)
def test_libraries_never_log_below_warning(
    form: LogFormat, capfd: pytest.CaptureFixture[str]
) -> None:
    """At ``debug`` the Kubernetes client would write whole answers, Secrets included."""
    logs.configure(form, "debug")
    logging.getLogger("kubernetes.client.rest").debug("response body: secret")
    structlog.get_logger().debug("ours")
    text = written(capfd)

    assert "secret" not in text
    assert "ours" in text


@pytest.mark.parametrize("form", LogFormat)
@pytest.mark.parametrize("stream", ["/dev/full", "a pipe that nobody reads"])
def test_line_that_cannot_be_written_is_lost(form: LogFormat, stream: str) -> None:
    """A full disk or a closed pipe costs log lines and nothing else."""
    if stream == "/dev/full":
        target = os.open(stream, os.O_WRONLY)
    else:
        reader, target = os.pipe()
        os.close(reader)
    program = (
        "import logging, structlog\n"
        "from webhook.settings import LogFormat\n"
        "from webhook import logs\n"
        f"logs.configure(LogFormat({form.value!r}), 'info')\n"
        "structlog.get_logger().info('lost')\n"
        "logging.getLogger('library').error('lost')\n"
        "print('alive', flush=True)\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=target, check=False
    )
    os.close(target)

    assert done.stdout == b"alive\n"


@pytest.mark.parametrize("form", LogFormat)
def test_tracebacks_hold_no_values(form: LogFormat, capfd: pytest.CaptureFixture[str]) -> None:
    """A failure is logged with its lines, but not with the variables, which hold whole reviews."""
    logs.configure(form, "info")

    def fail(body: str) -> None:
        raise LookupError(len(body))

    try:
        fail("the " + "body")
    except LookupError:
        structlog.get_logger().exception("failed")
    text = written(capfd)

    assert "LookupError" in text
    assert "the body" not in text


@pytest.mark.parametrize("form", LogFormat)
def test_missing_lines_are_told_in_the_same_form(form: LogFormat) -> None:
    """Where lines were dropped there is one that says how many."""
    logs.configure(form, "error")
    line = STDERR.gap(3).decode()

    assert line.endswith("\n")
    if form is LogFormat.JSON:
        assert json.loads(line)["lines"] == 3
    assert "log-lines-dropped" in line


class Unspeakable:
    """What cannot be formatted."""

    def __repr__(self) -> str:
        """Fail."""
        raise LookupError


@pytest.mark.parametrize("form", LogFormat)
def test_record_that_cannot_be_formatted_fails_nobody(
    form: LogFormat, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python's own logging would print a traceback into standard error, and wait there."""
    logs.configure(form, "info")
    logging.getLogger("some.library").warning("%s", Unspeakable())
    text = written(capfd)

    assert "record-not-formatted" in text
    assert "some.library" in text


@pytest.mark.parametrize("form", LogFormat)
def test_what_python_would_print_is_logged(
    form: LogFormat, capfd: pytest.CaptureFixture[str]
) -> None:
    """Errors of destructors and threads, and warnings; and afterwards all is as before."""

    class Falling:
        def __del__(self) -> None:
            raise LookupError("in a destructor")

    def fail() -> None:
        raise LookupError("in a thread")

    before = sys.unraisablehook, threading.excepthook, warnings.showwarning
    logs.configure(form, "info")
    with warnings.catch_warnings(), logs.failures_logged():
        warnings.simplefilter("always")
        Falling()
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join(DEADLINE)
        warnings.warn("a warning", stacklevel=1)
    text = written(capfd)

    for part in ("error-ignored", "in a destructor", "thread-failed", "in a thread", "a warning"):
        assert part in text
    if form is LogFormat.JSON:
        assert all(map(json.loads, text.splitlines()))
    assert (sys.unraisablehook, threading.excepthook, warnings.showwarning) == before


OBEYED = "\x00\x07\x1b[31m\x7f\x85\x9b2J\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"


@pytest.mark.parametrize("form", LogFormat)
@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_in_a_line_is_obeyed(
    form: LogFormat,
    terminal: bool,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither in the event nor in a value, a nested one, a library's record or a traceback."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    logs.configure(form, "info")
    log = structlog.get_logger()
    log.info("happened", text=OBEYED, nested={OBEYED: [OBEYED]})
    log.info(OBEYED)
    logging.getLogger("some.library").warning("%s", OBEYED)

    def fail() -> None:
        raise LookupError(OBEYED + "\nforged\n")

    try:
        fail()
    except LookupError:
        log.exception("failed")
    text = written(capfd)
    if terminal and form is LogFormat.CONSOLE:
        assert "\x1b[0m" in text
        text = re.sub("\x1b\\[[0-9;]*m", "", text)

    assert [part for part in text if part != "\n" and escaped(part) != part] == []
    assert "\\u202e" in text
    if form is LogFormat.JSON:
        event = json.loads(text.splitlines()[0])
        assert (event["text"], event["nested"]) == (OBEYED, {OBEYED: [OBEYED]})


@pytest.mark.parametrize("form", LogFormat)
def test_name_that_is_no_unicode_can_be_logged(
    form: LogFormat, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python reads such a file's name as half of a surrogate pair, which UTF-8 cannot hold."""
    logs.configure(form, "info")
    structlog.get_logger().info("happened", file=os.fsdecode(b"\xff\x7f"), path=Path("/x"))
    text = written(capfd)

    assert "\\udcff\\u007f" in text
    assert "/x" in text


def test_other_languages_stay_readable(capfd: pytest.CaptureFixture[str]) -> None:
    """Only what would be obeyed is escaped."""
    logs.configure(LogFormat.JSON, "info")
    structlog.get_logger().info("Müller", who="源")
    text = written(capfd)

    assert "Müller" in text
    assert "源" in text


class Happened(logs.Event, gc=False):
    """An event of a test."""

    name: str
    answer: int
    event: str = "happened"


def at_once(_seconds: float, call: Callable[[], None]) -> None:
    """Wait for nothing."""
    call()


def test_events_of_a_short_while_are_written_together(capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody is woken for a line; one call for all that have come writes them, and the next ones.

    What is written before, by whomever, takes along what has come.
    """
    logs.configure(LogFormat.JSON, "info")
    calls: list[Callable[[], None]] = []
    tell = logs.teller(LogFormat.JSON, "info", lambda _seconds, call: calls.append(call))
    tell(Happened("a", 1))
    tell(Happened("b", 2))

    assert (len(calls), STDERR.waiting > 0) == (1, True)
    calls.pop()()
    assert [json.loads(line)["name"] for line in written(capfd).splitlines()] == ["a", "b"]
    tell(Happened("c", 3))
    assert len(calls) == 1
    structlog.get_logger().info("d")
    assert len(written(capfd).splitlines()) == 2


def test_event_stands_in_the_log_as_any_other(capfd: pytest.CaptureFixture[str]) -> None:
    """Encoded in one go or by structlog, the line has the same fields, and is escaped alike."""
    logs.configure(LogFormat.JSON, "info")
    logs.teller(LogFormat.JSON, "info", at_once)(Happened("\u202e\x7fé", 42))
    structlog.get_logger().info("happened", name="\u202e\x7fé", answer=42)
    quick, usual = written(capfd).splitlines()

    assert re.sub(r"\d", "0", quick) == re.sub(r"\d", "0", usual)
    assert list(json.loads(quick)) == list(json.loads(usual))


@pytest.mark.parametrize(
    ("form", "level", "expected"),
    [
        (LogFormat.JSON, "debug", '"event":"happened"'),
        (LogFormat.JSON, "warning", ""),
        (LogFormat.CONSOLE, "info", "happened"),
        (LogFormat.CONSOLE, "error", ""),
    ],
)
def test_event_has_form_and_level(
    form: LogFormat, level: str, expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """It looks like any other, and is written where events of level info are."""
    logs.configure(form, level)
    logs.teller(form, level, at_once)(Happened("x", 1))
    text = written(capfd)

    assert expected in text
    assert bool(text) is bool(expected)
