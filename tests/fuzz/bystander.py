"""A polite client beside an attack: how long it waits, and how often in vain.

Two of them, each a process of its own so that no attacker's work slows them down: one sends small
reviews over a connection that it keeps, as the API server does; one opens a connection for each
probe, as kubelet does.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from tests.fuzz.cases import Case, post
from tests.fuzz.client import Connection
from tests.fuzz.server import Server
from tests.reviews import review
from tests.situations import pod
from tests.webhook_process import REPOSITORY

_REVIEWS, _PROBES = 0.02, 0.1
"""Seconds between two of them."""


async def _ask(port: int, ca: Path, client: list[Connection]) -> bool:
    """Send a review over the connection that is kept."""
    client[:] = client or [Connection(port, ca)]
    case = Case("review", post(review("Pod", pod())), frozenset({200}))
    try:
        ((answer),) = await client[0].exchange([case])
    except BaseException:
        with contextlib.suppress(Exception):
            await client.pop().close()
        raise
    return answer.status in case.statuses


async def _probe(port: int) -> bool:
    """Open a connection, and ask whether the server lives."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return b" 200 OK" in await reader.readline()
    finally:
        writer.transport.abort()


async def _repeat(
    ask: Callable[[], Awaitable[bool]], pause: float, patience: float, ended: asyncio.Event
) -> dict[str, Any]:
    """Ask again and again, and say how it went."""
    waited: list[float] = []
    failed = 0
    while not ended.is_set():
        began = time.monotonic()
        good = False
        with contextlib.suppress(TimeoutError, OSError, EOFError):
            async with asyncio.timeout(patience):
                good = await ask()
        if good and not waited:
            sys.stdout.write("answered\n")
            sys.stdout.flush()
        if good:
            waited.append(time.monotonic() - began)
        else:
            failed += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), pause)
    waited.sort()
    slow = waited[int(len(waited) * 0.99)] if waited else 0.0
    return {"asked": len(waited) + failed, "failed": failed, "p99": slow * 1000}


async def _run(what: str, port: int, ca: Path, patience: float) -> None:
    """Ask until the standard input ends, and write how it went."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    client: list[Connection] = []
    if what == "reviews":
        told = await _repeat(lambda: _ask(port, ca, client), _REVIEWS, patience, ended)
    else:
        told = await _repeat(lambda: _probe(port), _PROBES, patience, ended)
    loop.remove_reader(sys.stdin)
    for connection in client:
        await connection.close()
    sys.stdout.write(json.dumps(told))


@contextlib.asynccontextmanager
async def standing_by(
    server: Server, told: dict[str, dict[str, Any]], patience: float
) -> AsyncIterator[None]:
    """Ask politely while the context lasts, which begins when both were answered once.

    Args:
        server: Who is asked.
        told: Is filled with how the ``reviews`` and the ``probes`` went.
        patience: Seconds after which an answer has failed.
    """
    processes = {}
    for what, port in (("reviews", server.port), ("probes", server.ops_port)):
        processes[what] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fuzz.bystander", what, str(port), str(server.ca)),
            str(patience),
            cwd=REPOSITORY,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
    try:
        for process in processes.values():
            assert process.stdout is not None
            await process.stdout.readline()
        yield
    finally:
        for what, process in processes.items():
            written, _ = await process.communicate(b"")  # which ends its input
            told[what] = json.loads(written)


if __name__ == "__main__":
    uvloop.run(_run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])))
