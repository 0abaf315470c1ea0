"""One run: so many requests, over so many connections, and what came of each."""

import asyncio

import click

from tests.fuzz.cases import Case, Cases
from tests.fuzz.client import Connection
from tests.fuzz.server import Server
from tests.fuzz.tally import Tally

_AHEAD = 8
"""Requests that a connection sends before it reads their answers."""


class Run:
    """A number of requests over some connections.

    Args:
        server: That is sent to.
        total: How many requests.
        seed: Of the requests.
    """

    def __init__(self, server: Server, total: int, seed: int) -> None:
        self._server = server
        self._left = self._total = total
        self._cases = Cases(seed)
        self.tally = Tally()
        self.opened = 0
        self.memory = [server.memory()]
        """MiB at the start and after each tenth."""

    @property
    def grown(self) -> float:
        """MiB that the server has grown by since the first tenth, which is to warm it up."""
        return max(self.memory[1:], default=0.0) - self.memory[min(1, len(self.memory) - 1)]

    async def send(self, connections: int) -> None:
        """Send everything; give up on the first failure of a connection."""
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(self._use_connection())

    async def _use_connection(self) -> None:
        """Send batches until none is left."""
        connection = Connection(self._server.port, self._server.ca)
        while self._left and not self._server.ended:
            batch = self._batch()
            try:
                answers = await connection.exchange(batch)
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                self.tally.fail("no answer", batch[0], detail=repr(error))
                await connection.close()
                continue
            for case, answer in zip(batch, answers, strict=True):
                self.tally.count(case, answer)
            self._look_at_memory()
        self.opened += connection.opened
        await connection.close()

    def _batch(self) -> list[Case]:
        """Make the next requests of a connection."""
        batch: list[Case] = []
        while self._left and len(batch) < _AHEAD and not (batch and batch[-1].last):
            batch.append(self._cases.next())
            self._left -= 1
        return batch

    def _look_at_memory(self) -> None:
        """Note the memory after each tenth."""
        if self.tally.total * 10 >= len(self.memory) * self._total and not self._server.ended:
            self.memory.append(self._server.memory())
            click.echo(f"{self.tally.total:,} sent, {self.memory[-1]:.1f} MiB", err=True)
