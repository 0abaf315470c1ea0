"""A client that keeps its connections, sends several requests ahead, and reads every answer."""

import asyncio
import contextlib
import dataclasses
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.fuzz.cases import Case

_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_ANSWERED: Final = 30.0
"""Seconds after which an answer that is due is missing."""
_PERHAPS: Final = 0.03
"""Seconds that an answer is waited for where none need come."""


@dataclasses.dataclass(slots=True)
class Answer:
    """One answer; status 0 where none came."""

    status: int = 0
    body: bytes = b""


class Connection:
    """One connection at a time to the server, opened anew when it has ended.

    Args:
        port: On loopback.
        ca: Certificate of the authority to trust.
    """

    def __init__(self, port: int, ca: Path) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=str(ca))
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.opened = 0
        """How many connections it took."""

    async def exchange(self, cases: Sequence[Case]) -> list[Answer]:
        """Send requests all at once and read their answers.

        Args:
            cases: Only the last of them may end the connection.

        Raises:
            TimeoutError: An answer that is due does not come.
            asyncio.IncompleteReadError: The connection ends where an answer is due.
        """
        reader, writer = await self._open()
        kept, last = (cases[:-1], cases[-1:]) if cases[-1].last else (cases, ())
        answers = []
        writer.write(b"".join(case.sent for case in kept))
        for case in kept:
            async with asyncio.timeout(_ANSWERED):
                answers.append(await _read(reader, bodiless=case.bodiless))
        # By itself, because a server may end a connection before it has answered what came earlier.
        for case in last:
            writer.write(case.sent)
            answers.append(await _read_perhaps(reader, writer, case))
            await self.close()
        return answers

    async def close(self) -> None:
        """End the connection that is open."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Take the open connection, or open one."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self._port, ssl=self._context, server_hostname="localhost"
            )
            self.opened += 1
        return self._streams


async def _read(reader: asyncio.StreamReader, *, bodiless: bool = False) -> Answer:
    """Read one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = _LENGTH.search(head)
    if length is None or bodiless:
        return Answer(status)
    return Answer(status, await reader.readexactly(int(length[1])))


async def _read_perhaps(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, case: Case
) -> Answer:
    """Read the answer to a request that ends its connection; it may come or not."""
    with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError, OSError):
        async with asyncio.timeout(_ANSWERED if case.statuses else _PERHAPS):
            await writer.drain()
            return Answer() if case.sort == "cut off" else await _read(reader)
    return Answer()
