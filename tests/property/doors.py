"""A connection to the review application in memory, by the short way or without it."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict
from uvicorn.server import ServerState

from tests.server.running import Labelled
from webhook import logs
from webhook.admission.options import Options
from webhook.metrics import Metrics
from webhook.server import bodies, rejections
from webhook.server.app import Readiness, create_review_app
from webhook.server.listening import HttpServer
from webhook.server.protocol import Address, BoundedProtocol
from webhook.server.reviews import Reviews
from webhook.server.shortcut import ReviewProtocol
from webhook.settings import Certificates, SelfSigned, Settings, Timeouts

PAUSE = None
"""Among the pieces of what a client sends: so long a pause that nobody waits any more."""


class MemoryTransport(asyncio.Transport):
    """Keeps what is written.

    Args:
        room: Bytes that it takes before it asks for a pause, as if nobody read.
    """

    def __init__(self, room: int) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 2)})
        self.written = bytearray()
        self.protocol: BoundedProtocol | None = None
        self._room = room
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.written += data
        if self.protocol is not None and len(self.written) > self._room:
            self.protocol.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Ignore: a test says when its client reads no more."""

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Take note."""
        self._closing = True

    def pause_reading(self) -> None:
        """Ignore: what is sent is bounded by the test."""

    def resume_reading(self) -> None:
        """Likewise."""


@dataclasses.dataclass
class World:
    """What the answers depend on, besides the bytes."""

    namespaces: Labelled
    draining: bool = False
    body_limit: int = 1 << 20
    log_fails: bool = False
    room: int = 1 << 30
    """Bytes of answers that the client takes before it stops reading for a while."""


@dataclasses.dataclass
class Seen:
    """What a conversation came to."""

    written: bytes
    closed: bool
    counted: dict[str, float]
    events: list[EventDict]
    at_once: int
    """Answers of the short way."""


def converse(world: World, pieces: Sequence[bytes | None], *, short: bool) -> Seen:
    """Send pieces over one connection, wait for the answers, and go away.

    Args:
        world: What the answers depend on.
        pieces: What the client sends, one read each; :data:`PAUSE` between them.
        short: Whether the short way is open.
    """
    metrics = Metrics()
    reviews = Reviews(
        namespaces=world.namespaces,
        options=Options(),
        body_limit=world.body_limit,
        metrics=metrics,
        tell=_fail if world.log_fails else logs.teller("console", "info", lambda *_: None),
    )
    app = create_review_app(reviews, Readiness({}, draining=world.draining))
    ask = app.state.answer_at_once
    answers: list[bytes] = []

    def answer_at_once(body: bytes) -> bytes | None:
        answer: bytes | None = ask(body) if short else None
        answers.extend([answer] if answer is not None else [])
        return answer

    settings = Settings(certificates=Certificates(source=SelfSigned(directory=Path())))
    with capture_logs() as events, pytest.MonkeyPatch.context() as patch:
        # What a slow machine takes between two pieces is no part of the conversation.
        patch.setattr(bodies, "_GRACE", 60.0)
        patch.setattr(rejections, "_LINGER", 60.0)
        transport = MemoryTransport(world.room)
        asyncio.run(_talk(HttpServer(app, settings, 1), app, transport, pieces, answer_at_once))
    return Seen(
        bytes(transport.written),
        transport.is_closing(),
        _counted(metrics),
        _told(events),
        len(answers),
    )


def connect(
    server: HttpServer,
    transport: MemoryTransport,
    rejected: Callable[[int, Address | None, str], None],
    answer_at_once: Callable[[bytes], bytes | None],
) -> ReviewProtocol:
    """Open a connection, as the server does when it has accepted one."""
    server.config.load()
    protocol = ReviewProtocol(
        server.config,
        ServerState(),
        {},
        timeouts=Timeouts(),
        rejected=rejected,
        lost=lambda _: None,
        answer_at_once=answer_at_once,
    )
    protocol.connection_made(transport)
    transport.protocol = protocol
    return protocol


async def _talk(
    server: HttpServer,
    app: Any,
    transport: MemoryTransport,
    pieces: Sequence[bytes | None],
    answer_at_once: Callable[[bytes], bytes | None],
) -> None:
    protocol = connect(server, transport, app.state.rejected, answer_at_once)
    for piece in pieces:
        if piece is PAUSE:
            await _settled(protocol)
        elif not transport.is_closing():
            protocol.data_received(piece)
    await _settled(protocol)
    protocol.connection_lost(None)
    await _settled(protocol)


def _fail(_event: logs.Event) -> None:
    raise RuntimeError("on purpose")


async def _settled(protocol: BoundedProtocol) -> None:
    """Let the loop run until nobody does anything but wait for the client, which reads again."""
    for _ in range(120):  # turns that four answers by the application need, with many to spare
        await asyncio.sleep(0)
        protocol.resume_writing()


def _counted(metrics: Metrics) -> dict[str, float]:
    """Read all that was counted, but how long it took."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if not sample.name.endswith(("_bucket", "_sum"))
    }


def _told(events: list[EventDict]) -> list[EventDict]:
    """Leave out of the events how long it took."""
    return [{key: event[key] for key in event if key != "milliseconds"} for event in events]
