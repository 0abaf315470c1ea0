"""Waiting for a condition instead of sleeping for luck."""

import time
from collections.abc import Callable

import anyio


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as a condition holds.

    Args:
        condition: Asked every few milliseconds.
        seconds: How long to keep asking.
    """
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110  what we wait for is in other threads
            await anyio.sleep(0.005)


def until_blocking(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Do the same outside of an event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.005)
