"""Writing lines to standard error without waiting for whoever reads them."""

import atexit
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

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
        """Whether the thread waits to be woken."""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, and have the last lines written at exit; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="stderr", daemon=True)
            self._thread.start()
            atexit.register(self.flush, _LAST_LINES)

    def write(self, line: bytes) -> None:
        """Queue a line, which ends in a newline, or drop it; never waits."""
        self.add(line)
        self.wake()

    def add(self, line: bytes) -> None:
        """Queue a line likewise, for whoever calls :meth:`wake` when more may have come.

        To wake the thread, and to give it the interpreter, costs more than everything else that is
        done for a line.
        """
        with self._lock:
            room = self._limit // 2 if self._unreported else self._limit
            if self._held + len(line) > room:
                self._drop(1)
                return
            missing, self._unreported = self._unreported, 0
            if missing:
                line = self.gap(missing) + line
            size = len(line)
            self._lines.append((line, missing))
            # No call in here: at one a destructor may run, which may log and add to it as well.
            self._held += size

    def wake(self) -> None:
        """Have all lines written that are queued."""
        with self._lock:
            if self._idle:
                self._idle = False
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
            self.wake()
            return self._done.wait_for(lambda: not self._held, seconds)

    def _run(self) -> None:
        while True:
            count, missing, batch = self._take()
            written = self._written(batch)
            size = len(batch)
            with self._lock:
                self._held -= size
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
            while not self._lines:
                self._idle = True
                self._queued.wait()
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
