"""Waiting for a condition instead of sleeping for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


def wait_for(
    condition: Callable[[], T | None],
    timeout_seconds: float,
    what: str,
    *,
    interval_seconds: float = 0.05,
) -> T:
    """Call `condition` until it returns something true, and return that.

    Args:
        condition: asked at least once; what it raises is raised here.
        timeout_seconds: how long to keep asking.
        what: names the awaited thing in the error, as in "waited 5 s for {what}".
        interval_seconds: pause between two questions.

    Raises:
        TimeoutError: the condition did not come true in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        if outcome := condition():
            return outcome
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {timeout_seconds:g} s for {what}")
        time.sleep(interval_seconds)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait in an event loop for what happens in other tasks and in other threads.

    Args:
        condition: Asked every few milliseconds.
        seconds: How long to keep asking.

    Raises:
        TimeoutError: The condition did not come true in time.
    """
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110  what we wait for is in other threads
            await anyio.sleep(0.005)
