"""Small reviews that come at their own pace, whether or not earlier ones are answered.

That is how reviews come to a webhook: whoever creates a Pod does not wait for the Pods of others. A
load that sends the next review when the last one is answered, such as wrk's, would hardly notice a
server that does nothing for a while: it would send nothing meanwhile.
"""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, Self

import uvloop

from benchmarks import BenchmarkError, machine
from benchmarks.growth.lines import quantile
from benchmarks.reviews import Review
from tests.fuzz.cases import Case, post
from tests.fuzz.client import Connection

_OK: Final = 200
_OPEN: Final = 8
"""Connections from the beginning; more are opened where so many reviews are under way."""


@dataclasses.dataclass(frozen=True, slots=True)
class Waits:
    """How long reviews waited for their answers, in seconds, from the moment when each was due."""

    p50: float
    p99: float
    longest: float
    late: float
    """The part of them that waited longer than a bar, from 0 to 1."""
    reviews: int
    """How many there were."""

    @classmethod
    def of(cls, waited: Sequence[float], bar: float) -> Self:
        """Sum up.

        Args:
            waited: Seconds of each review; at least one.
            bar: Seconds that none of them should wait.
        """
        return cls(
            p50=quantile(waited, 0.5),
            p99=quantile(waited, 0.99),
            longest=max(waited),
            late=sum(each > bar for each in waited) / len(waited),
            reviews=len(waited),
        )


def run(port: int, ca: Path, review: Review, *, rate: float, seconds: float, bar: float) -> Waits:
    """Send a review again and again, each when it is due.

    Args:
        port: Where the server listens on loopback.
        ca: Verifies it.
        review: What to send.
        rate: Reviews in a second.
        seconds: How long.
        bar: Seconds that none of them should wait.

    Raises:
        BenchmarkError: A review was not answered, or not with 200.
    """
    count = round(rate * seconds)
    with machine.on(machine.other_cores()):
        waited = uvloop.run(_send(_Pool(port, ca, review), count, 1 / rate))
    return Waits.of(waited, bar)


class _Pool:
    """Connections, each of which has one review at a time; as many as are needed at once."""

    def __init__(self, port: int, ca: Path, review: Review) -> None:
        self._port, self._ca = port, ca
        self._case = Case("review", post(review.body), frozenset({_OK}))
        self._idle: list[Connection] = []
        self._all: list[Connection] = []

    async def ask(self) -> None:
        """Send the review over a connection that has nothing to do."""
        connection = self._idle.pop() if self._idle else self._new()
        try:
            (answer,) = await connection.exchange([self._case])
        except (OSError, EOFError, TimeoutError) as error:
            raise BenchmarkError(f"A small review was not answered: {error!r}.") from error
        if answer.status != _OK:
            raise BenchmarkError(f"A small review was answered with status {answer.status}.")
        self._idle.append(connection)

    def _new(self) -> Connection:
        self._all.append(Connection(self._port, self._ca))
        return self._all[-1]

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Have connections open while the context lasts: to open one takes longer than a review."""
        try:
            await _ended([asyncio.create_task(self.ask()) for _ in range(_OPEN)])
            yield
        finally:
            for connection in self._all:
                await connection.close()


async def _send(pool: _Pool, count: int, interval: float) -> list[float]:
    """Send so many reviews, and return how long each waited."""
    waited: list[float] = []

    async def ask(due: float) -> None:
        await pool.ask()
        waited.append(time.monotonic() - due)

    async with pool.opened():
        began = time.monotonic()
        asking = []
        for number in range(count):
            due = began + number * interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            asking.append(asyncio.create_task(ask(due)))
        await _ended(asking)
    return waited


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait until all of them have ended, and raise what the first failed with.

    None is cancelled because another failed: a connection whose handshake is cancelled is closed
    later than its event loop.
    """
    await asyncio.wait(tasks)
    failures = [task.exception() for task in tasks]
    for failure in filter(None, failures):
        raise failure
