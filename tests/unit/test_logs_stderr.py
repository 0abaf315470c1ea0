"""Standard error: lines in order, nobody waits, and what is lost is counted."""

import contextlib
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import wait_for
from webhook.logs.writer import Writer

DEADLINE = 20.0
LINE = b"x" * 999 + b"\n"
PIPE = 64 * 1024


class Pipe:
    """A pipe, and a writer into it."""

    def __init__(self, *, limit: int = 100_000) -> None:
        self.reader, self.target = os.pipe()
        self.writer = Writer(self.target, limit=limit)
        self.writer.gap = lambda lines: b"%d missing\n" % lines
        self.writer.start()

    def read(self, size: int) -> bytes:
        """Read that many bytes."""
        taken = b""
        while len(taken) < size:
            taken += os.read(self.reader, size - len(taken))
        return taken

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition."""
        wait_for(holds, DEADLINE, "the writer's thread", interval_seconds=0.001)

    def stall(self) -> None:
        """Fill the pipe and the queue, one line over."""
        # The pipe first, or the first batch might fit into it and make room after a line was lost.
        os.write(self.target, LINE * (PIPE // len(LINE)))
        while not self.writer.dropped:
            self.writer.write(LINE)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that is emptied and closed, so that the thread waits for nothing."""
    pipe = Pipe()
    yield pipe
    os.set_blocking(pipe.reader, False)
    while not pipe.writer.flush(0):
        with contextlib.suppress(BlockingIOError):
            os.read(pipe.reader, PIPE)
    os.close(pipe.reader)
    os.close(pipe.target)


def test_lines_come_in_order(pipe: Pipe) -> None:
    """Of one thread as they were written, of many each one whole."""
    lines = [b"%d\n" % number for number in range(2000)]
    for line in lines:
        pipe.writer.write(line)

    assert pipe.read(sum(map(len, lines))) == b"".join(lines)
    assert pipe.writer.flush(DEADLINE)
    assert pipe.writer.dropped == 0


def test_lines_of_many_threads_stay_whole(pipe: Pipe) -> None:
    """No line is cut by another one."""

    def write(text: bytes) -> None:
        for _ in range(100):
            pipe.writer.write(text)

    threads = [
        threading.Thread(target=write, args=(text * 60 + b"\n",)) for text in (b"a", b"b", b"c")
    ]
    for thread in threads:
        thread.start()
    lines = pipe.read(3 * 100 * 61).splitlines()
    for thread in threads:
        thread.join(DEADLINE)

    assert len(lines) == 300
    assert {len(set(line)) for line in lines} == {1}


def test_nobody_waits_for_a_pipe_that_is_full(pipe: Pipe) -> None:
    """What has no room is dropped and counted; what waits is bounded by bytes."""
    pipe.stall()
    for _ in range(1000):
        pipe.writer.write(LINE)

    assert pipe.writer.dropped == 1001
    assert pipe.writer._held <= 100_000  # noqa: SLF001
    assert not pipe.writer.flush(0)


def test_a_gap_is_told_where_it_is(pipe: Pipe) -> None:
    """Once somebody reads again, lines follow, and one of them says how many are missing."""
    pipe.stall()
    pipe.writer.write(LINE)
    kept = 0
    while True:
        kept += 1
        assert pipe.read(len(LINE)) == LINE
        # Half of what waits has to be written before there is room again.
        if pipe.writer._held <= 50_000 - len(LINE):  # noqa: SLF001
            break
    dropped = pipe.writer.dropped
    pipe.writer.write(b"back\n")
    rest = b""
    while not rest.endswith(b"back\n"):
        rest += os.read(pipe.reader, PIPE)
    before, told, back = rest.rsplit(b"\n", 3)[:3]

    assert set(before) <= set(LINE)
    assert (told, back) == (b"%d missing" % dropped, b"back")
    pipe.writer.write(b"next\n")
    assert pipe.read(5) == b"next\n"
    assert pipe.writer.dropped == dropped == 2


def test_pipe_that_somebody_made_non_blocking_is_waited_for(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that shares the pipe may do so; then too nothing is lost."""
    waits = threading.Event()
    wait = select.select

    def waiting(reading: list[int], writing: list[int], broken: list[int]) -> object:
        waits.set()
        return wait(reading, writing, broken)

    monkeypatch.setattr(select, "select", waiting)
    os.set_blocking(pipe.target, False)
    for _ in range(90):
        pipe.writer.write(LINE)
    assert waits.wait(DEADLINE)

    assert pipe.read(90 * len(LINE)) == 90 * LINE
    assert pipe.writer.dropped == 0


def test_lines_that_cannot_be_written_are_counted(pipe: Pipe) -> None:
    """A full disk loses lines, and the first line after that says how many."""
    full = os.open("/dev/full", os.O_WRONLY)
    saved = os.dup(pipe.target)
    os.dup2(full, pipe.target)
    pipe.writer.write(LINE)
    assert pipe.writer.flush(DEADLINE)
    pipe.writer.write(LINE)
    assert pipe.writer.flush(DEADLINE)
    os.dup2(saved, pipe.target)
    pipe.writer.write(b"back\n")

    assert pipe.read(15) == b"2 missing\nback\n"
    assert pipe.writer.dropped == 2
    os.close(full)
    os.close(saved)


def test_destructor_may_log_in_the_middle_of_a_line(pipe: Pipe) -> None:
    """A destructor runs on any thread at any place, and must not wait for itself."""
    with pipe.writer._lock:  # noqa: SLF001
        pipe.writer.write(b"from within\n")

    assert pipe.read(12) == b"from within\n"


def test_starting_twice_is_no_harm(pipe: Pipe) -> None:
    """There is one thread."""
    thread = pipe.writer._thread  # noqa: SLF001  others' threads come and go
    pipe.writer.start()

    assert pipe.writer._thread is thread  # noqa: SLF001


@pytest.mark.parametrize("taken", [True, False], ids=["somebody reads", "nobody reads"])
def test_end_of_the_process_waits_for_the_last_lines_but_not_long(taken: bool) -> None:
    """They are written at exit, unless nobody takes them: then the process ends all the same."""
    program = (
        "from webhook.logs.writer import STDERR\n"
        "STDERR.start()\n"
        "for number in range(200):\n"
        "    STDERR.write(b'%999d\\n' % number)\n"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program], stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        text = process.stderr.read() if taken else b""

        assert process.wait(DEADLINE) == 0
    assert len(text.splitlines()) == (200 if taken else 0)


def test_process_without_standard_error_writes_nowhere(tmp_path: Path) -> None:
    """Its descriptor 2 may be a file of somebody's, or a connection."""
    program = (
        "import os, sys\n"
        "assert os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT) == 2\n"
        "from webhook.logs.writer import STDERR\n"
        "STDERR.start()\n"
        "STDERR.write(b'a line\\n')\n"
        "assert STDERR.flush(20) and not STDERR.dropped\n"
    )
    file = tmp_path / "of somebody's"
    subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", 'exec "$0" -c "$1" "$2" 2>&-', sys.executable, program, file], check=True
    )

    assert file.read_bytes() == b""
