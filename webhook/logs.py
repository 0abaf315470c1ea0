"""Structured logs: one line per event on standard error, ours and our libraries' alike.

- Nobody waits for a line to be written. Whoever reads a container's log may stop reading (a runtime
  that hangs, a full disk behind it); a pipe then takes 64 KiB, and the next write into it lasts for
  ever, with the event loop behind it. So lines are queued, and a thread writes them.
- Somebody's text in a line can neither hide nor change what stands around it.
- Bodies of reviews and ``Authorization`` headers are never passed to a logger, at any level.
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

_LIMIT: Final = 1024 * 1024
"""Bytes of lines that wait at most: some 3,000 decisions, so that a short pause is no loss."""
_CHUNK: Final = 64 * 1024
"""Bytes that are written at once; what a pipe holds."""
_LAST_LINES: Final = 1.0
"""Seconds that the last lines get when the process ends."""
_SHARED: Final[tuple[Processor, ...]] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
"""What every event goes through first, ours and our libraries' alike."""
_WHERE: Final = 200
"""Characters of the ``repr`` of an object or a thread in which an error was, at most."""
_OBEYED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What terminals and editors obey instead of showing it: control characters (Unicode Cc: C0, DEL
and C1), line and paragraph separators (Zl, Zp), and what reorders text (Bidi_Control).

Source:
    Unicode 16, UnicodeData.txt and PropList.txt.
"""
_log = structlog.get_logger(__name__)


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
        self._unreported = 0
        """Lines lost that no queued line reports yet."""
        # One that its owner may take again: a destructor that logs can run anywhere, here too.
        self._lock = threading.RLock()
        self._queued = threading.Condition(self._lock)
        self._done = threading.Condition(self._lock)
        self._lines: deque[tuple[bytes, int]] = deque()
        """Lines that wait, each with the number of missing lines that it reports."""
        self._held = 0
        """Bytes of lines that wait or are being written."""
        self._idle = False
        """Whether the thread waits for lines."""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, and have the last lines written at exit; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="stderr", daemon=True)
            self._thread.start()
            atexit.register(self.flush, _LAST_LINES)

    def write(self, line: bytes) -> None:
        """Queue a line, which ends in a newline, or drop it; never waits."""
        with self._lock:
            room = self._limit // 2 if self._unreported else self._limit
            if self._held + len(line) > room:
                self._drop(1)
                return
            missing, self._unreported = self._unreported, 0
            if missing:
                line = self.gap(missing) + line
            self._lines.append((line, missing))
            self._held += len(line)
            if self._idle:
                self._queued.notify()

    @property
    def waiting(self) -> int:
        """Bytes of lines that have been queued and not been written yet."""
        return self._held

    def flush(self, seconds: float) -> bool:
        """Wait until every line has been written or lost.

        Args:
            seconds: How long to wait at most.

        Returns:
            Whether it was long enough.
        """
        with self._lock:
            return self._done.wait_for(lambda: not self._held, seconds)

    def _run(self) -> None:
        while True:
            count, missing, batch = self._take()
            written = self._written(batch)
            with self._lock:
                self._held -= len(batch)
                if not written:
                    self._drop(count)
                    self._unreported += missing  # what reported them is lost itself
                self._done.notify_all()

    def _drop(self, count: int) -> None:
        self.dropped += count
        self._unreported += count

    def _take(self) -> tuple[int, int, bytes]:
        """Wait for lines; they count as held until they are written.

        Returns:
            How many, how many missing ones they report, and their text.
        """
        with self._lock:
            self._idle = True
            self._queued.wait_for(lambda: self._lines)
            self._idle = False
            taken: list[bytes] = []
            size = missing = 0
            while self._lines and size < _CHUNK:
                line, before_it = self._lines.popleft()
                taken.append(line)
                size += len(line)
                missing += before_it
        return len(taken), missing, b"".join(taken)

    def _written(self, batch: bytes) -> bool:
        """Write all of it, however long that takes; return whether it could be done."""
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
        event: EventDict = {"event": "log-lines-dropped", "lines": lines}
        line: bytes = b""
        for processor in (*_SHARED, *processors):
            line = event = processor(None, "warning", event)
        return line + b"\n"

    STDERR.gap = gap
    STDERR.start()
    structlog.configure(
        processors=[*_SHARED, *processors],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_LineLogger,
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

    Python writes them to standard error and waits until it is done, on the thread of the event loop
    as on any other.
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


def escaped(text: str) -> str:
    r"""Write ``\uXXXX``, as JSON does, for each character that would be obeyed."""
    return _OBEYED.sub(lambda match: _code(match[0]), text)


def printable(text: str) -> str:
    r"""Write ``\uXXXX`` for each character that cannot be seen, whoever reads it."""
    return "".join(each if each.isprintable() else _code(each) for each in text)


class _LineLogger:
    """What structlog's processors end in: a logger that takes a whole line.

    Args:
        *_: What was given to ``structlog.get_logger``, which means nothing here.
    """

    def __init__(self, *_: object) -> None: ...

    def msg(self, line: bytes) -> None:
        """Write it."""
        STDERR.write(line + b"\n")

    # Called by the name of the level (structlog 26.1, _base.py, _proxy_to_logger); "exception" is
    # called as "error".
    debug = info = warning = error = critical = msg


class _Handler(logging.Handler):
    """What the standard library's logging ends in: the same writer."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it; of a record that cannot be formatted the log says so, and nobody fails."""
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

    Characters that JSON allows and a terminal obeys it leaves as they are (msgspec 0.22), and they
    can only be inside a string: there they are escaped afterwards.
    """
    try:
        line = msgspec.json.encode(event, enc_hook=str)
    except UnicodeEncodeError:  # msgspec 0.22, of half a surrogate pair, as in the name of a file
        return json.dumps(event, default=str).encode().replace(b"\x7f", b"\\u007f")
    if line.isascii() and b"\x7f" not in line:
        return line
    return escaped(line.decode()).encode()


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}"
