"""How a command of the benchmarks begins and ends: where it prints, and what its exit code says."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import Final

from rich.console import Console

from benchmarks import BenchmarkError

COULD_NOT: Final = 2
"""Exit code where nothing could be measured."""
_WIDTH_OF_A_PIPE: Final = 140


@contextlib.contextmanager
def running() -> Iterator[Console]:
    """Give a console while the context lasts; what ends it early becomes a line and an exit code.

    SIGTERM is as Ctrl-C: what was started is ended.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_A_PIPE)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield console
    except BenchmarkError as error:
        console.print(str(error), style="bold red")
        sys.exit(COULD_NOT)
    except KeyboardInterrupt:
        console.print("Interrupted.")
        sys.exit(128 + signal.SIGINT)
