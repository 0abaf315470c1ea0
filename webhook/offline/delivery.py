"""Brings output to where the shell sends it, which may be full, closed or of another encoding."""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import TextIO


class DeliveryError(Exception):
    """The output cannot be written; the text is one sentence for a person."""


@contextlib.contextmanager
def delivered(stream: TextIO | None) -> Iterator[TextIO]:
    """Lend a stream to write to, and see to it that what was written has left the process.

    Args:
        stream: The stream; ``None`` is what Python makes of one that the shell has closed.

    Raises:
        DeliveryError: The stream does not take the output.
        BrokenPipeError: Nobody reads it any more, which click ends quietly, as Unix tools do.
    """
    if stream is None:
        raise DeliveryError("Standard output is closed: send it somewhere.")
    try:
        yield stream
        stream.flush()
    except UnicodeEncodeError as error:
        character = ascii(error.object[error.start])
        raise DeliveryError(
            f"The output has {character}, which {error.encoding} cannot express: set "
            "PYTHONIOENCODING=utf-8, and spell names in UTF-8."
        ) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard(stream)
        raise DeliveryError(f"The output cannot be written: {error.strerror}.") from error


def _discard(stream: TextIO) -> None:
    """Send what is still buffered nowhere; Python would fail again when it flushes at exit."""
    with contextlib.suppress(io.UnsupportedOperation):  # a stream that is no file of the system
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
