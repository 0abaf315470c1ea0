"""A server that fails is noticed, whenever it does."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from fastapi import FastAPI

from tests.server.conftest import Files, settings_for
from tests.server.running import DEADLINE, Labelled
from webhook.certificates.files import FileCertificate
from webhook.metrics import Metrics
from webhook.server.connections import Connections
from webhook.server.lifecycle import WebhookServer
from webhook.server.listening import HttpServer, ServerStoppedError, listen


class OnPurposeError(Exception):
    """What the tests raise."""


async def ends(*_: object) -> None:
    """Serve no longer, for no reason."""
    await asyncio.sleep(0)


async def fails(*_: object, **__: object) -> None:
    """Serve no longer, with a reason."""
    await asyncio.sleep(0)
    raise OnPurposeError


def fails_to_load(_: object) -> None:
    """Be no configuration."""
    raise OnPurposeError


async def serve(server: HttpServer, body: Callable[[], Awaitable[None]]) -> None:
    """Serve until something is done."""
    with listen("127.0.0.1", 0) as listening:
        async with asyncio.timeout(DEADLINE), server.serving(listening):
            await body()


async def nothing() -> None:
    """Be content at once."""


async def wait() -> None:
    """Wait for ever, as a process does for its signals."""
    await asyncio.Event().wait()


def test_server_that_does_not_start_says_why(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error before there is anything to connect to does not leave the start waiting."""
    monkeypatch.setattr(uvicorn.Config, "load", fails_to_load)
    with pytest.raises(OnPurposeError):
        asyncio.run(serve(HttpServer(FastAPI(), settings_for(files), 8), nothing))


@pytest.mark.parametrize(
    ("main_loop", "error"), [(fails, OnPurposeError), (ends, ServerStoppedError)]
)
def test_server_that_dies_ends_its_context(
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
    main_loop: Callable[..., Awaitable[None]],
    error: type[Exception],
) -> None:
    """Whoever waits while a server runs is woken by its end, and told."""
    monkeypatch.setattr(uvicorn.Server, "main_loop", main_loop)
    with pytest.raises(error):
        asyncio.run(serve(HttpServer(FastAPI(), settings_for(files), 8), wait))


def test_server_that_accepts_no_more_ends_its_context(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that runs and lets nobody in is noticed as well."""
    monkeypatch.setattr(Connections, "_end_overdue", fails)
    with pytest.raises(OnPurposeError):
        asyncio.run(serve(HttpServer(FastAPI(), settings_for(files), 8), wait))


@pytest.mark.parametrize("which", ["_ops_server", "_review_server"])
def test_server_that_dies_ends_the_process(
    files: Files, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """With either server gone nothing stays behind that a kubelet could think alive."""
    metrics = Metrics()
    webhook = WebhookServer(
        settings_for(files), FileCertificate(files.pair, None, metrics), Labelled(), metrics
    )
    dying: HttpServer = getattr(webhook, which)
    monkeypatch.setattr(dying, "main_loop", fails)

    async def main() -> None:
        async with asyncio.timeout(DEADLINE):
            await webhook.run()

    with pytest.raises(OnPurposeError):
        asyncio.run(main())


def test_error_of_the_body_is_its_own(files: Files) -> None:
    """What goes wrong while a server runs comes out as it is."""
    with pytest.raises(OnPurposeError):
        asyncio.run(serve(HttpServer(FastAPI(), settings_for(files), 8), fails))


def test_server_that_fails_to_stop_says_why(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error at the very end is an error."""
    monkeypatch.setattr(uvicorn.Server, "shutdown", fails)
    with pytest.raises(OnPurposeError):
        asyncio.run(serve(HttpServer(FastAPI(), settings_for(files), 8), nothing))


def test_startup_is_where_uvicorn_listens() -> None:
    """A uvicorn that listens elsewhere would do so without our bounds."""
    assert list(inspect.signature(uvicorn.Server.startup).parameters) == ["self", "sockets"]
