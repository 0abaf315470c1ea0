"""How the webhook's figures grow with what it has to do: ``make bench-growth``.

One module for each question, and its ``measure`` answers it with rows: latency against the size of
a body, small reviews beside a large one, namespaces in memory, memory over many requests, replicas,
and handshakes.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

Row = dict[str, Any]
"""One figure of a question, with the question's name as ``question``; times in seconds, memory in
MiB."""

Say = Callable[[str], None]
"""Told what goes on now."""

WARM_UP: Final = 1
"""Seconds of load before what is measured."""


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """Make a folder for the files of servers, which is gone after the context."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder)
