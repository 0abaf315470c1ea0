"""Structured logs: one line per event on standard error, ours and our libraries' alike.

- Nobody waits for a line to be written. Whoever reads a container's log may stop reading (a runtime
  that hangs, a full disk behind it); a pipe then takes 64 KiB, and the next write into it lasts for
  ever, with the event loop behind it. So lines are queued, and a thread writes them.
- Somebody's text in a line can neither hide nor change what stands around it.
- Bodies of reviews and ``Authorization`` headers are never passed to a logger, at any level.
"""

import contextlib
import datetime as dt
import functools
import io
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from webhook.logs.writer import STDERR

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
"""What every event goes through first, ours and our libraries' alike."""
_GATHER: Final = 0.01
"""Seconds that the line of an event waits for others, to be written with them."""
_WHERE: Final = 200
"""Characters of the ``repr`` of an object or a thread in which an error was, at most."""
_OBEYED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What terminals and editors obey instead of showing it: control characters (Unicode Cc: C0, DEL
and C1), line and paragraph separators (Zl, Zp), and what reorders text (Bidi_Control).

Source:
    Unicode 16, UnicodeData.txt and PropList.txt.
"""
Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds, as ``call_later`` of an event loop does."""
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode
_log = structlog.get_logger(__name__)


_now: Final = functools.partial(dt.datetime.now, dt.UTC)


class Event(msgspec.Struct, gc=False, kw_only=True):
    """An event of level ``info`` whose fields are known beforehand.

    It stands in the log as any other does, and costs a small part of it (:func:`teller`). Derived
    classes add its fields, and its name as ``event``.
    """

    level: str = "info"
    timestamp: dt.datetime = msgspec.field(default_factory=_now)
    """When it happened."""


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


def teller(log_format: str, level: str, later: Later) -> Callable[[Event], None]:
    """Make what logs events, of which there may be thousands in a second.

    As JSON an event is encoded in one go, and the lines of a short while are written together. For
    people, or below the level, an event goes the way of any other, through structlog.

    Args:
        log_format: As for :func:`configure`.
        level: Likewise.
        later: Calls a function after so many seconds, in the thread that logs.
    """
    if log_format != "json" or logging.getLevelNamesMapping()[level.upper()] > logging.INFO:
        return _tell_structlog
    waiting = False

    def write() -> None:
        nonlocal waiting
        waiting = False
        STDERR.wake()

    def tell(event: Event) -> None:
        nonlocal waiting
        STDERR.add(_shown(_encode(event)) + b"\n")
        if not waiting:
            waiting = True
            later(_GATHER, write)

    return tell


def _tell_structlog(event: Event) -> None:
    fields = msgspec.structs.asdict(event)
    del fields["level"], fields["timestamp"]  # structlog's own processors add them
    _log.info(fields.pop("event"), **fields)


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
    """Render with msgspec, which is several times faster than the standard library."""
    try:
        return _shown(_encode(event))
    except UnicodeEncodeError:  # msgspec 0.22, of half a surrogate pair, as in the name of a file
        return json.dumps(event, default=str).encode().replace(b"\x7f", b"\\u007f")


def _shown(line: bytes) -> bytes:
    """Escape characters that JSON allows and a terminal obeys.

    msgspec 0.22 leaves them as they are. They can only be inside a string.
    """
    if line.isascii() and b"\x7f" not in line:
        return line
    return escaped(line.decode()).encode()


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}"
