"""Somebody's text, made so that it can neither hide nor change what stands around it.

Standard error, on which nobody ever waits: lines are queued, and a thread writes them.

Whoever reads a container's log may stop reading: a runtime that hangs, a full disk behind it. A
pipe then takes 64 KiB, and the next write into it lasts for ever, with the event loop behind it.

Structured logs: one line per event on standard error, ours and our libraries' alike.

Bodies of reviews and ``Authorization`` headers are never passed to a logger, at any level.
"""

import atexit
import contextlib
import io
import json
import logging
import os
import re
import select
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

_OBEYED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What terminals and editors obey instead of showing it: control characters (Unicode Cc: C0, DEL
and C1), line and paragraph separators (Zl, Zp), and what reorders text (Bidi_Control).

Source:
    Unicode 16, UnicodeData.txt and PropList.txt.
"""


def escaped(text: str) -> str:
    r"""Write ``\uXXXX``, as JSON does, for each character that would be obeyed."""
    return _OBEYED.sub(lambda match: _code(match[0]), text)


def printable(text: str) -> str:
    r"""Write ``\uXXXX`` for each character that cannot be seen, whoever reads it."""
    return "".join(each if each.isprintable() else _code(each) for each in text)


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}"


_LIMIT: Final = 1024 * 1024
"""Bytes of lines that wait at most: some 3,000 decisions, so that a short pause is no loss."""
_CHUNK: Final = 64 * 1024
"""Bytes that are written at once; what a pipe holds."""
_LAST_LINES: Final = 1.0
"""Seconds that the last lines get when the process ends."""


class Writer:
    """Writes lines to a file descriptor, in order, for as long as somebody takes them.

    Args:
        descriptor: Where to. It is shared with other processes, and therefore stays blocking or
            non-blocking, whichever it is.
        limit: Bytes of lines that wait at most; what comes after them is dropped, until half of
            them have been written.
    """

    def __init__(self, descriptor: int, *, limit: int = _LIMIT) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self.gap: Callable[[int], bytes] = lambda _: b""
        """Makes the line that stands where lines are missing, from their number."""
        self.dropped = 0
        """Lines lost since the start: no room for them, or they could not be written."""
        self._untold = 0
        # One that its owner may take again: a destructor that logs can run anywhere, here too.
        self._lock = threading.RLock()
        self._more, self._less = threading.Condition(self._lock), threading.Condition(self._lock)
        self._lines: deque[tuple[bytes, int]] = deque()
        """Each with the number of missing lines that it tells of."""
        self._held = 0
        self._idle = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, and see to the last lines of the process; again is no harm."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="stderr", daemon=True)
            self._thread.start()
            atexit.register(self.flush, _LAST_LINES)

    def write(self, line: bytes) -> None:
        """Queue a line, which ends in a newline, or drop it; never waits."""
        with self._lock:
            room = self._limit // 2 if self._untold else self._limit
            if self._held + len(line) > room:
                self._drop(1)
                return
            told, self._untold = self._untold, 0
            if told:
                line = self.gap(told) + line
            self._lines.append((line, told))
            self._held += len(line)
            if self._idle:
                self._more.notify()

    @property
    def waiting(self) -> int:
        """Bytes of lines that have been queued and not been written yet."""
        return self._held

    def flush(self, seconds: float) -> bool:
        """Wait until every line has been written or lost, no longer than that; tell whether."""
        with self._lock:
            return self._less.wait_for(lambda: not self._held, seconds)

    def _run(self) -> None:
        while True:
            count, told, batch = self._take()
            written = self._written(batch)
            with self._lock:
                self._held -= len(batch)
                if not written:
                    self._drop(count)
                    self._untold += told
                self._less.notify_all()

    def _drop(self, count: int) -> None:
        self.dropped += count
        self._untold += count

    def _take(self) -> tuple[int, int, bytes]:
        """Wait for lines; they count as held until they are written.

        Returns:
            How many, of how many missing ones they tell, and their text.
        """
        with self._lock:
            self._idle = True
            self._more.wait_for(lambda: self._lines)
            self._idle = False
            taken: list[bytes] = []
            size = told = 0
            while self._lines and size < _CHUNK:
                line, missing = self._lines.popleft()
                taken.append(line)
                size += len(line)
                told += missing
        return len(taken), told, b"".join(taken)

    def _written(self, batch: bytes) -> bool:
        """Write all of it, however long that takes; tell whether it could be done."""
        rest = memoryview(batch)
        try:
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:  # somebody else who shares it made it so
                    select.select([], [self._descriptor], [])
        except OSError:
            return False
        return True


STDERR: Final = Writer(2 if sys.stderr else os.open(os.devnull, os.O_WRONLY))
"""Of this process. Where it was started without one, descriptor 2 may be anything by now."""
_SHARED: tuple[Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_WHERE: Final = 200
"""Characters of an object that an error was ignored in."""
_log = structlog.get_logger(__name__)


def configure(log_format: str, level: str) -> None:
    """Set up logging for the process.

    Args:
        log_format: How a line looks: ``json``, or ``console`` for people.
        level: Name of the least severe level that is written. Of our libraries, nothing below
            ``warning`` is: at ``debug`` the Kubernetes client would log whole answers, Secrets too.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    processors: tuple[Processor, ...]
    if log_format == "json":
        processors = (structlog.processors.format_exc_info, _json)
    else:
        processors = (_escaped_values, _console(), _encoded)

    def gap(lines: int) -> bytes:
        """Say in a line of the same form how many are missing before it."""
        told: EventDict = {"event": "log-lines-dropped", "lines": lines}
        line: bytes = b""
        for processor in (*_SHARED, *processors):
            line = told = processor(None, "warning", told)
        return line + b"\n"

    STDERR.gap = gap
    STDERR.start()
    structlog.configure(
        processors=[*_SHARED, *processors],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_Line,
    )
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *processors,
                _decoded,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


@contextlib.contextmanager
def failures_logged() -> Iterator[None]:
    """Log, while the context lasts, what Python itself would print: warnings and tracebacks.

    It prints into standard error and waits there, on the thread of the event loop as on any other.
    """

    def unraisable(what: "sys.UnraisableHookArgs") -> None:
        _log.error("error-ignored", where=repr(what.object)[:_WHERE], exc_info=what.exc_value)

    def thread_failed(what: threading.ExceptHookArgs) -> None:
        _log.error("thread-failed", where=repr(what.thread)[:_WHERE], exc_info=what.exc_value)

    before = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = unraisable, thread_failed
    logging.captureWarnings(True)
    try:
        yield
    finally:
        sys.unraisablehook, threading.excepthook = before
        logging.captureWarnings(False)


class _Line:
    """Where structlog's processors end: a line for standard error."""

    def __init__(self, *_: object) -> None:
        """Take what structlog gives to every logger."""

    def msg(self, line: bytes) -> None:
        """Write it."""
        STDERR.write(line + b"\n")

    debug = info = warning = error = critical = msg


class _Handler(logging.Handler):
    """Where the standard library's logging ends: the same place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it; a record that cannot be formatted is told of, and fails nobody."""
        try:
            line = self.format(record).encode()
        except Exception:  # noqa: BLE001  anybody's __str__
            _log.exception("record-not-formatted", where=record.name)
        else:
            STDERR.write(line + b"\n")


def _escaped_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape text before it is coloured; of all other values Python's ``repr`` is shown."""
    return {key: escaped(v) if isinstance(v, str) else v for key, v in event.items()}


def _console() -> Processor:
    """Render for people."""
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_traceback)


def _traceback(out: TextIO, failure: ExcInfo) -> None:
    """Write a traceback, without local variables, which would hold whole reviews."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, failure)
    out.write("\n".join(map(escaped, text.getvalue().split("\n"))))


def _encoded(_logger: WrappedLogger, _method: str, text: Any) -> bytes:
    """Encode what was rendered for people."""
    line: str = text
    return line.encode(errors="backslashreplace")


def _decoded(_logger: WrappedLogger, _method: str, line: Any) -> str:
    """Make text of it again, on which the standard library's logging insists."""
    text: str = line.decode()
    return text


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    """Render with msgspec, which is several times faster than the standard library.

    It leaves as they are what JSON allows and a terminal obeys, and those can only be in a string.
    """
    try:
        line = msgspec.json.encode(event, enc_hook=str)
    except UnicodeEncodeError:  # half of a surrogate pair, as from the name of a file
        return json.dumps(event, default=str).encode().replace(b"\x7f", b"\\u007f")
    if line.isascii() and b"\x7f" not in line:
        return line
    return escaped(line.decode()).encode()
