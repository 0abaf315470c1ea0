"""What valgrind runs: the whole server in one process, answering one review after the other.

All that ``serve`` does with the bytes of a request is done: protocol, decision, metrics, and one
JSON line of log. What is left out is the kernel and TLS, which are not ours.
"""

import asyncio
import contextlib
import fcntl
import gc
import http
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final
from unittest import mock

from benchmarks import answers
from benchmarks.guard.in_memory import InMemoryLoop, InMemoryTransport
from benchmarks.reviews import NAMESPACE, REVIEWS, Review
from tests.controlplane.ports import LOOPBACK
from tests.situations import ENABLED
from webhook import logs
from webhook.server.lifecycle import assemble
from webhook.settings import Certificates, Listening, SelfSigned, Settings

CASES: Final = {"pod-9k": 100, "pod-9k-skipped": 100, "service": 100, "pod-67k": 40}
"""The reviews that are counted, each with how many times it is sent for that. The last one is
larger than what is answered without the application, and so tells what the application costs."""
_BEFORE: Final = 30
"""How many times each is sent first: until nothing is done for the first time any more, and the
interpreter has specialized its code (PEP 659)."""
_AGAIN: Final = 5
"""How many times it is sent again after the other ones."""
_DECISION: Final = b'"admission"'
"""Stands in the line of log of each decision."""
_ALL: Final = 1024 * 1024
"""Bytes that are read at once: more than a pipe holds."""
_TICK: Final = 0.0002
"""Seconds that a review takes by the clock that is played."""
_BUFFER: Final = 4096
"""Bytes in which the first piece of a request comes: the buffer of Go's client (net/http,
transport.go, WriteBufferSize)."""
_RECORD: Final = 16 * 1024
"""Bytes of each piece behind it at most: a TLS record (RFC 8446 section 5.1)."""
_HEAD: Final = (
    "POST /mutate?timeout=2s HTTP/1.1\r\n"
    "Host: source-ip-webhook.source-ip.svc:443\r\n"
    "User-Agent: kube-apiserver-admission\r\n"
    "Content-Length: {length}\r\n"
    "Accept: application/json, */*\r\n"
    "Content-Type: application/json\r\n"
    "Accept-Encoding: gzip\r\n\r\n"
)
"""As kube-apiserver 1.36 sends it."""


class Log:
    """Standard error as a pipe, whose reader is behind as long as reviews are counted.

    The thread that writes the lines then waits for room in the pipe, as it does under load. Its
    turns come when the lines are read, and not when the machine happens to find time.
    """

    def __init__(self) -> None:
        sys.stderr = os.fdopen(os.dup(2), "w")  # for what goes wrong here
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.dup2(writing, 2)
        os.close(writing)

    def fill(self) -> None:
        """Leave no room in the pipe."""
        with contextlib.suppress(BlockingIOError):  # else it has room for less than all
            os.read(self._reading, _ALL)
        os.write(2, b"\n" * fcntl.fcntl(2, fcntl.F_GETPIPE_SZ))

    async def read(self, decisions: int) -> None:
        """Read until the lines of so many decisions have come."""
        loop, readable, rest = asyncio.get_running_loop(), asyncio.Event(), b""
        loop.add_reader(self._reading, readable.set)
        while decisions > 0:
            await readable.wait()
            readable.clear()
            lines, _, rest = (rest + os.read(self._reading, _ALL)).rpartition(b"\n")
            decisions -= lines.count(_DECISION)
        loop.remove_reader(self._reading)


def request_of(review: Review) -> tuple[bytes, ...]:
    """Write the request of a review as the API server does, in the pieces in which it arrives."""
    whole = _HEAD.format(length=len(review.body)).encode() + review.body
    rest = range(_BUFFER, len(whole), _RECORD)
    return (whole[:_BUFFER], *(whole[at : at + _RECORD] for at in rest))


async def answer_all(log: Log, port: int, start_counting: list[str]) -> None:
    """Answer the reviews of all cases, with a mark before and after those that are counted.

    Args:
        log: Of the server.
        port: Where it accepts.
        start_counting: The command that tells valgrind to count.

    Raises:
        BenchmarkError: An answer is not right.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, InMemoryLoop)
    connection = await loop.dial(port)
    for name in CASES:
        answer = await _ask(connection, log, REVIEWS[name], _BEFORE)
        answers.check("source-ip-webhook", REVIEWS[name], answer)
    _run(start_counting)
    with loop.slow_timers():
        for name, times in CASES.items():
            await _ask(connection, log, REVIEWS[name], _AGAIN)
            log.fill()
            gc.collect()  # else the garbage of the case before would be counted
            _mark()
            await _ask(connection, log, REVIEWS[name], times)
            _mark()


async def _ask(
    connection: InMemoryTransport, log: Log, review: Review, times: int
) -> answers.Answer:
    """Ask the same a number of times, read what is logged, and return the last answer."""
    request, answer = request_of(review), b""
    for _ in range(times):
        answer = await connection.ask(request)
    await log.read(times)
    head, _, body = answer.partition(b"\r\n\r\n")
    return answers.Answer(http.HTTPStatus(int(head.split()[1])), body)


def _mark() -> None:
    """Begin or end a count.

    callgrind is told to write down what it has counted, and to begin anew, whenever ``getppid`` is
    called, a function of libc that nothing else calls here.
    """
    os.getppid()


def _run(command: list[str]) -> None:
    """Run a program to its end; valgrind takes orders only while we do something."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603  our own
        while process.poll() is None:
            time.sleep(0.01)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _settings(folder: Path) -> Settings:
    """Make settings with everything on, and the file of namespaces that they name."""
    metadata = {"name": NAMESPACE, "labels": dict(ENABLED)}
    namespaces = folder / "namespaces.yaml"
    namespaces.write_text(
        json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    )
    return Settings(
        certificates=Certificates(source=SelfSigned(directory=folder / "tls")),
        listening=Listening(host=LOOPBACK, port=0, ops_port=0),
        namespaces=namespaces,
    )


async def _serve(log: Log, settings: Settings, start_counting: list[str]) -> None:
    server = assemble(settings)
    async with server.started():
        # By a clock that goes with the reviews: how many buckets of the histogram are looked at
        # depends on how long a review took.
        clock = itertools.count(0.0, _TICK).__next__
        with mock.patch.object(time, "perf_counter", clock):
            await answer_all(log, server.port, start_counting)
        os._exit(0)  # to end in good order takes longer than all that is counted


def main(folder: str, *start_counting: str) -> None:
    """Run the server and its client.

    Args:
        folder: For its files; a new one.
        start_counting: The command that tells valgrind to count.
    """
    # The interpreter gives a thread its turn after 5 ms of another one, which are few instructions
    # under valgrind: now it gets it only where the other one waits.
    sys.setswitchinterval(3600)
    log = Log()
    settings = _settings(Path(folder))
    logs.configure(settings.logs.format, settings.logs.level)
    with asyncio.Runner(loop_factory=InMemoryLoop) as runner:
        runner.run(_serve(log, settings, list(start_counting)))


if __name__ == "__main__":
    main(*sys.argv[1:])
