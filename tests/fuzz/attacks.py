"""Attacks by one client that is allowed nothing, on a real server, with polite clients beside it.

Each has a server of its own, lasts for a bounded time, and stays on loopback. Exit code 1 where a
polite client was refused or the server took more memory than the chart gives it room for.
"""

import asyncio
import contextlib
import dataclasses
import ssl
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import click
import uvloop

from tests.fuzz.bystander import standing_by
from tests.fuzz.cases import post
from tests.fuzz.huge import filled
from tests.fuzz.server import Server, serving
from tests.reviews import review
from tests.situations import pod
from tests.webhook_process import REPOSITORY

_MEMORY: Final = 256
"""MiB that a container has to get along with."""

_AT_ONCE: Final = 64
"""Connections that are being opened at the same time."""

_JSON: Final = b"Host: x\r\nContent-Type: application/json\r\n"
_POST: Final = b"POST /mutate HTTP/1.1\r\n" + _JSON
_NOTHING: Final = b"POST /nothing HTTP/1.1\r\n" + _JSON
_MIB: Final = 1024 * 1024
_PATIENCE: Final = 20.0
"""Seconds after which a client that is not answered gives up."""


class Wire(asyncio.Protocol):
    """One connection of an attacker."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.lost = False
        self.answered = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = transport

    def data_received(self, _data: bytes) -> None:
        """Note that there was an answer."""
        self.answered.set()

    def connection_lost(self, _error: Exception | None) -> None:
        """Note its end."""
        self.lost = True
        self.answered.set()

    def send(self, data: bytes) -> None:
        """Send, if there still is somebody."""
        if not self.lost:
            self.transport.write(data)


@dataclasses.dataclass
class Attacker:
    """Somebody who can reach both ports, and how much is tried."""

    server: Server
    scale: float
    """1 for all of it."""
    context: ssl.SSLContext
    wires: list[Wire] = dataclasses.field(default_factory=list)

    def some(self, number: int) -> int:
        """Scale a number."""
        return max(1, int(number * self.scale))

    async def crowd(
        self, number: int, first: bytes = b"", *, tls: bool = True, ops: bool = False
    ) -> list[Wire]:
        """Open connections, each of which begins with the same bytes; some may be turned away.

        Args:
            number: How many, before scaling.
            first: What each sends.
            tls: Whether they get as far as TLS.
            ops: Whether they go to the port of health and metrics.
        """
        turns = asyncio.Semaphore(_AT_ONCE)
        opened: list[Wire] = []

        async def open_one() -> None:
            async with turns:
                with contextlib.suppress(OSError, TimeoutError):
                    # A handshake is given up by itself: one that is cancelled is closed too late.
                    async with asyncio.timeout(_PATIENCE + 20):
                        _, wire = await asyncio.get_running_loop().create_connection(
                            Wire,
                            "127.0.0.1",
                            self.server.ops_port if ops else self.server.port,
                            ssl=self.context if tls and not ops else None,
                            server_hostname="localhost" if tls and not ops else None,
                            ssl_handshake_timeout=_PATIENCE if tls and not ops else None,
                        )
                    wire.send(first)
                    opened.append(wire)

        await asyncio.gather(*(open_one() for _ in range(self.some(number))))
        self.wires += opened
        return opened

    async def drip(self, wires: list[Wire], piece: bytes, seconds: float) -> int:
        """Send a piece over each connection every second, and tell how many are left at the end."""
        for _ in range(self.some(int(seconds))):
            for wire in wires:
                wire.send(piece)
            await asyncio.sleep(1)
        return sum(not wire.lost for wire in wires)

    def close(self) -> None:
        """End everything."""
        for wire in self.wires:
            wire.transport.abort()


async def line_breaks(attacker: Attacker) -> str:
    """An answer, then a line break a second for longer than an idle connection may last."""
    ask = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    half = 200
    wires = await attacker.crowd(half, ask) + await attacker.crowd(half, ask, ops=True)
    left = await attacker.drip(wires, b"\r\n", 130)
    return f"{left} of {2 * attacker.some(half)} connections left after 130 s"


async def refused_bodies(attacker: Attacker) -> str:
    """A body that is refused, then a byte of it a second."""
    first = _NOTHING + b"Content-Length: 1000000\r\n\r\n"
    half = 200
    wires = await attacker.crowd(half, first) + await attacker.crowd(half, first, ops=True)
    left = await attacker.drip(wires, b"x", 15)
    return f"{left} of {2 * attacker.some(half)} connections left after 15 s"


async def idle(attacker: Attacker) -> str:
    """Connections that agree upon TLS and ask nothing."""
    wires = await attacker.crowd(5000)
    await asyncio.sleep(2)
    return f"{sum(not wire.lost for wire in wires):,} of {attacker.some(5000):,} stay"


async def no_handshake(attacker: Attacker) -> str:
    """Connections that send nothing at all, to both ports."""
    wires = await attacker.crowd(2500, tls=False) + await attacker.crowd(2500, ops=True)
    await asyncio.sleep(2)
    return f"{sum(not wire.lost for wire in wires):,} of {attacker.some(5000):,} stay"


def tiny_parts() -> bytes:
    """Make a review of the largest size that decoding makes many times as large."""
    parts = b'{"metadata":{"managedFields":[@@{}]},"spec":{}}'
    return post(filled(review("Service", {"x": 1}).replace(b'{"x": 1}', parts), b"{},"))


async def idle_and_parts(attacker: Attacker) -> str:
    """Idle connections, and then three bodies of 20 MiB of tiny parts."""
    await attacker.crowd(2500)
    await asyncio.gather(*(_answer(wire) for wire in await attacker.crowd(3, tiny_parts())))
    return ""


async def slow_uploads(attacker: Attacker) -> str:
    """Four bodies of 16 MiB but for a byte, which are never completed, again and again for 15 s."""
    seconds = max(1.0, 15 * attacker.scale)
    ends = asyncio.get_running_loop().time() + seconds
    first = _POST + b"Content-Length: %d\r\n\r\n" % (16 * _MIB) + b" " * (16 * _MIB - 1)
    count = 0
    while asyncio.get_running_loop().time() < ends:
        wires = await attacker.crowd(4, first)
        count += len(wires)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(wire.answered.wait() for wire in wires))
        for wire in wires:
            wire.transport.abort()
    return f"{count} uploads"


async def read_buffers(attacker: Attacker) -> str:
    """A large piece of a refused body over each of many connections."""
    await attacker.crowd(1000, _NOTHING + b"Content-Length: 9999999\r\n\r\n" + b"x" * 600_000)
    await asyncio.sleep(3)
    return ""


async def headers(attacker: Attacker) -> str:
    """A head of 64 KiB of the shortest headers over each of many connections, not completed."""
    await attacker.crowd(500, _POST + b"a:\r\n" * 15_000)
    await asyncio.sleep(3)
    return ""


async def trailers(attacker: Attacker) -> str:
    """Trailers without end behind a body of one byte; 20 MiB of them."""
    first = _POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    (wire,) = await attacker.crowd(1, first)
    for _ in range(attacker.some(20)):
        wire.send(b"x:y\r\n" * (_MIB // 5))
        await asyncio.sleep(0.02)
    await asyncio.sleep(1)
    return ""


async def unread(attacker: Attacker) -> str:
    """Requests whose answers nobody reads."""
    ask = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100
    wires = await attacker.crowd(200, ask, ops=True)
    # What is echoed is the uid, so that an answer is as large as its request.
    wires += await attacker.crowd(200, post(review("Pod", pod(), uid="x" * 30_000)) * 40)
    for wire in wires:
        if not wire.lost:
            wire.transport.pause_reading()
    left = await attacker.drip(wires, ask, 10)
    return f"{left} of {2 * attacker.some(200)} connections left after 10 s"


async def everything(attacker: Attacker) -> str:
    """5,000 idle connections, and at once headers, pieces of bodies, uploads and tiny parts."""
    await attacker.crowd(5000)
    parts = tiny_parts()
    upload = _POST + b"Content-Length: %d\r\n\r\n" % (20 * _MIB) + b" " * (20 * _MIB - 1)
    await asyncio.gather(
        attacker.crowd(100, _POST + b"a:\r\n" * 15_000),
        attacker.crowd(100, _NOTHING + b"Content-Length: 9999999\r\n\r\n" + b"x" * 600_000),
        attacker.crowd(8, upload),
        attacker.crowd(8, parts),
    )
    await asyncio.sleep(5)
    return ""


async def _answer(wire: Wire) -> None:
    """Wait for an answer, for a while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            await wire.answered.wait()


ATTACKS: Final[dict[str, Callable[[Attacker], Awaitable[str]]]] = {
    "a line break a second after an answer": line_breaks,
    "a byte a second of a refused body": refused_bodies,
    "5,000 idle connections": idle,
    "5,000 connections that send nothing, both ports": no_handshake,
    "2,500 idle connections, three bodies of tiny parts": idle_and_parts,
    "four slow uploads of 16 MiB": slow_uploads,
    "600 KB of a refused body, 1,000 times": read_buffers,
    "15,000 headers, 500 times": headers,
    "20 MiB of trailers": trailers,
    "answers that nobody reads, 400 connections": unread,
    "most of these at once, and 5,000 that are idle": everything,
}


async def attack(name: str, scale: float, patience: float) -> bool:
    """Attack a new server, print what came of it, and tell whether that is good.

    Args:
        name: Of the attack.
        scale: Of its numbers.
        patience: Seconds after which a polite client gives up.
    """
    told: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=REPOSITORY / ".build") as folder:
        async with serving(Path(folder)) as server:
            context = ssl.create_default_context(cafile=str(server.ca))
            attacker = Attacker(server, scale, context)
            async with standing_by(server, told, patience):
                await asyncio.sleep(0.5)
                note = await ATTACKS[name](attacker)
                await asyncio.sleep(0.5)
            attacker.close()
            peak = server.memory("VmHWM")
            ended = server.ended
    shown = " | ".join(
        f"{told[what]['failed']} of {told[what]['asked']} | {told[what]['p99']:.0f} ms"
        for what in ("reviews", "probes")
    )
    click.echo(f"| {name} | {shown} | {peak:.0f} | {note} |")
    failed = any(what["failed"] for what in told.values())
    return not (failed or ended or peak > _MEMORY)


async def attack_all(only: str, scale: float, patience: float) -> bool:
    """Try all attacks whose name has a text in it."""
    click.echo("| attack | reviews failed | p99 | probes failed | p99 | peak, MiB | |")
    click.echo("|---|---|---|---|---|---|---|")
    return all([await attack(name, scale, patience) for name in ATTACKS if only in name])


@click.command()
@click.option("--only", default="", help="Attacks with this text in their name.")
@click.option("--scale", type=click.FloatRange(0, 1), default=1.0, help="Of all numbers.")
@click.option(
    "--patience",
    type=float,
    default=2.0,
    help="Seconds after which an answer has failed; the API server's and the probes' own are 2.",
)
def main(only: str, scale: float, patience: float) -> None:
    """Attack a real server, and print a table in Markdown."""
    (REPOSITORY / ".build").mkdir(exist_ok=True)
    sys.exit(0 if uvloop.run(attack_all(only, scale, patience)) else 1)


if __name__ == "__main__":
    main()
