"""Structured logs: one line per event on standard error, ours and our libraries' alike.

Bodies of reviews and ``Authorization`` headers are never passed to a logger, at any level.
"""

import contextlib
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from webhook.settings import LogFormat
from webhook.telemetry.escaping import escaped
from webhook.telemetry.stderr import STDERR

_SHARED: tuple[Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)

_WHERE: Final = 200
"""Characters of an object that an error was ignored in."""

_log = structlog.get_logger(__name__)


def configure(log_format: LogFormat, level: str) -> None:
    """Set up logging for the process.

    Args:
        log_format: How a line looks.
        level: Name of the least severe level that is written. Of our libraries, nothing below
            ``warning`` is: at ``debug`` the Kubernetes client would log whole answers, Secrets too.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    processors: tuple[Processor, ...]
    if log_format is LogFormat.JSON:
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
