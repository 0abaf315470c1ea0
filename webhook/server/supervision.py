"""Something in the background that must not end before what relies on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine


class ServerStoppedError(Exception):
    """A server ended that should have gone on."""


@contextlib.asynccontextmanager
async def failing_with(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run something beside the context, which is cancelled and fails if the other one does.

    Raises:
        Exception: What was raised first, and not in a group, so that callers can tell it apart.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group.create_task(work)
    except BaseExceptionGroup as errors:
        error = errors.exceptions[0]
    else:
        return
    raise error
