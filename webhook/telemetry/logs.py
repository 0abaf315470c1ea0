"""Structured logs: one line per event on standard error, ours and our libraries' alike.

Bodies of reviews and ``Authorization`` headers are never passed to a logger, at any level.
"""

import contextlib
import logging
import sys
from typing import IO, Any, BinaryIO, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from webhook.settings import LogFormat

_SHARED: tuple[Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(log_format: LogFormat, level: str) -> None:
    """Set up logging for the process.

    Args:
        log_format: How a line looks.
        level: Name of the least severe level that is written. Of our libraries, nothing below
            ``warning`` is: at ``debug`` the Kubernetes client would log whole answers, Secrets too.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    own: list[Processor]
    foreign: list[Processor]
    factory: structlog.BytesLoggerFactory | structlog.PrintLoggerFactory
    if log_format is LogFormat.JSON:
        own = [structlog.processors.format_exc_info, _json]
        foreign = [structlog.processors.format_exc_info, _json_text]
        factory = structlog.BytesLoggerFactory(cast("BinaryIO", _Lossy(sys.stderr.buffer)))
    else:
        own = foreign = [_console()]
        factory = structlog.PrintLoggerFactory(cast("TextIO", _Lossy(sys.stderr)))
    structlog.configure(
        processors=[*_SHARED, *own],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
    )
    _take_over_libraries(foreign, max(number, logging.WARNING))


class _Lossy:
    """A stream that loses what it cannot write: a full disk must not fail a single review."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream

    def write(self, line: str | bytes) -> int:
        """Write a line, or lose it."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line)
        return len(line)

    def flush(self) -> None:
        """Flush, or lose what there is."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def _take_over_libraries(processors: list[Processor], level: int) -> None:
    """Let the records of the standard library's logging come out in the same form."""
    handler = logging.StreamHandler(_Lossy(sys.stderr))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *processors],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _console() -> Processor:
    """Render for people; tracebacks without local variables, which would hold whole reviews."""
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    """Render with msgspec, which is several times faster than the standard library."""
    return msgspec.json.encode(event, enc_hook=str)


def _json_text(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Render for a stream that takes text."""
    return _json(logger, method, event).decode()
