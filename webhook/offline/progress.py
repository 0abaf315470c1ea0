"""How far a preview is, on a terminal, where it takes long enough for people to wonder."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:  # which takes its time to import, and is rarely needed
    import rich.progress

_PATIENCE: Final = 1.0
"""Seconds after which a bar is shown."""

_INTERVAL: Final = 0.1
"""Seconds between two changes of the bar."""


class Progress:
    """Is told how far the work is; this one shows it to nobody."""

    def at(self, stage: str, done: int, total: int) -> None:
        """Take note of how far a stage of the work is.

        Args:
            stage: What is being done, for people.
            done: How much of it is done, in a unit of the stage's own.
            total: How much there is to do.
        """

    def clear(self) -> None:
        """Take away what is shown, because something else is to be written."""


SILENT: Final = Progress()


class Bar(Progress):
    """Shows a bar, only on a terminal, and only once the work has taken a second."""

    def __init__(self, stream: TextIO | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count the time.

        Args:
            stream: Where to; nothing is shown on what is no terminal. ``None`` is a closed one.
            clock: Tells the time in seconds.
        """
        self._stream = stream if stream is not None and stream.isatty() else None
        self._clock = clock
        self._due = clock() + _PATIENCE
        self._shown: rich.progress.Progress | None = None

    def at(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is, if it is time to."""
        if self._stream is None or self._clock() < self._due:
            return
        self._due = self._clock() + _INTERVAL
        if self._shown is None:
            self._shown = _bar(self._stream)
        (task,) = self._shown.task_ids
        self._shown.update(task, description=stage, completed=done, total=total)
        self._shown.start()
        self._shown.refresh()

    def clear(self) -> None:
        """Leave the terminal as it was; the bar comes back if the work goes on."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None


def _bar(stream: TextIO) -> "rich.progress.Progress":
    from rich import progress  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    bar = progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        console=Console(file=stream),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    bar.add_task("")
    return bar
