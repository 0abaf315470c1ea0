"""Measures what the largest and the oddest reviews cost the real server: time and memory.

Each is sent to a server of its own, so that the peak of its memory is that review's.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import uvloop

from tests.fuzz.cases import Case, chunked, post
from tests.fuzz.client import Connection
from tests.fuzz.server import serving
from tests.reviews import review
from tests.situations import LAST_APPLIED, pod, service
from tests.webhook_process import REPOSITORY

LIMIT = 20 * 1024 * 1024
_MILLION = 1_000_000
_OK = frozenset({200})
_RESTED = 0.2
"""Seconds after which the memory that a review leaves behind is read."""


def filled(body: bytes, text: bytes, count: int | None = None) -> bytes:
    """Put a text, many times, in the place of ``@@``.

    Args:
        body: With ``@@`` in it.
        text: What to repeat.
        count: How often; ``None``: up to the limit of a body.
    """
    before, _, after = body.partition(b"@@")
    room = LIMIT - len(before) - len(after)
    middle = text * (room // len(text) if count is None else count)
    return before + middle + after


def cases() -> Iterator[tuple[str, Case]]:
    """Make the requests, each with what to call it."""
    ok, bad = _OK, frozenset({400, 413})
    parts_over = frozenset({413})
    env = review("Pod", pod(env="@@"))
    note = review("Pod", pod({"a": "@@"}))
    parts = b'{"metadata":{"managedFields":[@@{}]},"spec":{}}'
    entries = review("Service", {"x": 1}).replace(b'{"x": 1}', parts)
    largest = filled(env, b"x")
    nested = filled(review("Pod", pod(), new="@@").replace(b'"@@"', b"@@1"), b'{"x":', _MILLION)
    yield "a small pod", Case("", post(review("Pod", pod())), ok)
    yield "20 MiB, the limit", Case("", post(largest), ok)
    over = frozenset({413})
    yield "one byte more", Case("", post(largest + b" "), over, last=True)
    yield "one byte more, undeclared", Case("", chunked(largest + b" ", 1 << 20), over, last=True)
    escaped = filled(env, b"\\u003c", 2_900_000)
    yield "a 2.9 MB pod, escaped to 17.4 MB", Case("", post(escaped), ok)
    yield "nested a million times", Case("", post(nested), bad)
    yield "a 5 MB value of an annotation", Case("", post(filled(note, b"x", 5 * _MILLION)), ok)
    key = note.replace(b'"a": "@@"', b'"@@": ""')
    yield "a 5 MB key of an annotation", Case("", post(filled(key, b"x", 5 * _MILLION)), ok)
    unknown = note.replace(b'"spec"', b'"@@": 1, "spec"')
    unknown = unknown.replace(b'"a": "@@"', b'"a": ""')
    yield "a 5 MB key of a new field", Case("", post(filled(unknown, b"x", 5 * _MILLION)), ok)
    name = review("Pod", pod(), name="@@")
    yield "a 5 MB name", Case("", post(filled(name, b"x", 5 * _MILLION)), ok)
    manifest = review("Service", service(last_applied="@@"))
    yield (
        f"{LAST_APPLIED.partition('/')[2]} nested a million times",
        Case("", post(filled(manifest, b"[", _MILLION)), ok),
    )
    yield "20 MiB of managed fields, all empty", Case("", post(filled(entries, b"{},")), parts_over)
    containers = review("Pod", pod()).replace(b'"containers": [', b'"containers": [@@')
    yield "20 MiB of containers", Case("", post(filled(containers, b'{"name":"x"},')), parts_over)
    few = 300_000
    yield "300,000 containers", Case("", post(filled(containers, b'{"name":"x"},', few)), ok)
    yield "300,000 managed fields, empty", Case("", post(filled(entries, b"{},", few)), ok)
    numbers = b",".join(b'"%d":""' % number for number in range(_MILLION))
    many = note.replace(b'"a": "@@"', numbers)
    yield "a million annotations", Case("", post(many), parts_over)


async def measure(name: str, case: Case, at_once: int = 1) -> bool:
    """Send a request to a new server, print what it cost, and tell whether all was well.

    Args:
        name: What to call it.
        case: The request.
        at_once: Over how many connections it is sent at the same time.
    """
    with tempfile.TemporaryDirectory(dir=REPOSITORY / ".build") as folder:
        async with serving(Path(folder)) as server:
            clients = [Connection(server.port, server.ca) for _ in range(at_once)]
            for client in clients:
                await client.exchange([Case("", post(b"{}"), frozenset({400}))])
            before = server.memory()
            began = time.monotonic()
            answers = await asyncio.gather(*(client.exchange([case]) for client in clients))
            seconds = time.monotonic() - began
            await asyncio.sleep(_RESTED)
            after, peak = server.memory(), server.memory("VmHWM")
            for client in clients:
                await client.close()
        statuses = {answer.status for (answer,) in answers}
        shown = " or ".join(map(str, sorted(statuses)))
    click.echo(
        f"| {name} | {len(case.sent):,} | {shown} | {seconds * 1000:,.0f} ms "
        f"| {before:.0f} | {peak:.0f} | {after:.0f} |"
    )
    return statuses <= case.statuses and not server.complaints


async def measure_all() -> bool:
    """Send all of them, one after the other."""
    click.echo("| review | bytes | answer | time | before, MiB | peak, MiB | after, MiB |")
    click.echo("|---|---|---|---|---|---|---|")
    good = [await measure(name, case) for name, case in cases()]
    crowd = filled(review("Pod", pod(env="@@")), b"x")
    good.append(
        await measure("20 MiB, eight at once", Case("", post(crowd), _OK | {503}), at_once=8)
    )
    return all(good)


@click.command()
def main() -> None:
    """Measure, and print a table in Markdown; exit code 1 where an answer is not the right one."""
    (REPOSITORY / ".build").mkdir(exist_ok=True)
    sys.exit(0 if uvloop.run(measure_all()) else 1)


if __name__ == "__main__":
    main()
