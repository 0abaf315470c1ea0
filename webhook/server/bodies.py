"""Reading bodies: each within a limit and a time, and all together within a budget."""

import asyncio
import dataclasses

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

BUDGET = 64 * 1024 * 1024
"""Bytes of all bodies that are being read or answered. Three reviews of the largest size at once,
or thousands of the usual 10 KiB; what fits into a container of 256 MiB beside the interpreter, the
namespaces and the copy that joins the chunks of one body."""

_TIME = 10.0
"""Seconds a client may take to send a body; the API server's own deadline is 2."""

_CLOSE = {"Connection": "close"}


@dataclasses.dataclass(slots=True)
class Budget:
    """Bytes that all requests in flight share.

    Counted as they arrive, not as they are declared: otherwise four clients that declare much and
    send nothing would keep everybody else out.
    """

    limit: int = BUDGET
    used: int = 0


class Body:
    """The body of one request; ``release`` when nothing of it is needed any more.

    Args:
        budget: Of the process.
        limit: Bytes of one body.
    """

    __slots__ = ("_budget", "_limit", "_size")

    def __init__(self, budget: Budget, limit: int) -> None:
        self._budget = budget
        self._limit = limit
        self._size = 0

    async def read(self, request: Request) -> bytes:
        """Read all of it.

        Raises:
            HTTPException: 413 or 503, as soon as it is known to be too much; 408; or 400 if the
                client went away.
        """
        self._check(int(request.headers.get("content-length", "0")))
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(_TIME):
                async for chunk in request.stream():
                    self._check(len(chunk))
                    self._size += len(chunk)
                    self._budget.used += len(chunk)
                    chunks.append(chunk)
        except TimeoutError:
            raise HTTPException(
                408, f"The body did not arrive within {_TIME:.0f} seconds.", _CLOSE
            ) from None
        except ClientDisconnect:
            raise HTTPException(400, "The client went away before the body was complete.") from None
        return b"".join(chunks)

    def release(self) -> None:
        """Give back to the budget what was taken."""
        self._budget.used -= self._size
        self._size = 0

    def _check(self, size: int) -> None:
        """Refuse what would be too much, with these bytes more."""
        if self._size + size > self._limit:
            raise HTTPException(
                413,
                f"The body is larger than {self._limit} bytes, which no review of an object that "
                "Kubernetes accepts can be.",
                _CLOSE,
            )
        if self._budget.used + size > self._budget.limit:
            # No Retry-After: the API server would come back up to ten times, with the same body.
            raise HTTPException(503, "Too many large reviews are being answered at the moment.")
