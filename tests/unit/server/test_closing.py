"""A connection that is being closed has its time, whatever is answered meanwhile."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from tests.property.doors import MemoryTransport, connect
from webhook.server.listening import HttpServer
from webhook.settings import Certificates, SelfSigned, Settings, Timeouts

SETTINGS = Settings(certificates=Certificates(source=SelfSigned(directory=Path())))


@pytest.mark.anyio
async def test_late_answer_prolongs_nothing() -> None:
    """Broken bytes behind a request that is being answered: its answer changes no deadline."""
    let_go, answered = anyio.Event(), anyio.Event()

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        answered.set()

    server = HttpServer(FastAPI(), SETTINGS, 1)
    protocol = connect(server, MemoryTransport(1 << 20), lambda *_: None, lambda _: None)
    protocol.app = application
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    protocol.data_received(b"no HTTP\r\n\r\n")
    protocol.look(now := protocol.loop.time())
    let_go.set()
    await answered.wait()

    assert protocol.overdue(now + Timeouts().closing)
    protocol.connection_lost(None)
