"""Blocking calls beside the event loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def call(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Call a function in a daemon thread of its own.

    Not ``asyncio.to_thread``: the end of the process waits for its threads, and a request to an API
    server that is gone can hang for a while.

    Args:
        function: What to call; it keeps running when the future is cancelled.
        name: The thread's name.

    Returns:
        What becomes of it, in the running event loop.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], outcome: object) -> None:
        if not future.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome = function()
        except Exception as error:  # noqa: BLE001  raised where the future is awaited
            post(loop, settle, future.set_exception, error)
        else:
            post(loop, settle, future.set_result, outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def post(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    """Call a function in an event loop from another thread, in the order of the posts.

    A loop that has been closed has nobody left who could care.
    """
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)
