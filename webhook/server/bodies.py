"""Reading bodies: each within a limit and a time, and all together within a budget of memory."""

import asyncio
import dataclasses
from types import TracebackType
from typing import Final, Self

from starlette.exceptions import HTTPException
from starlette.requests import Request

BUDGET: Final = 64 * 1024 * 1024
"""Bytes of memory for all reviews that are being read or answered: one of the largest size, or
thousands of the usual 10 KiB. Beside the interpreter, the namespaces and 256 connections it fits
into a container of 256 MiB."""
_SMALL: Final = 12 * 1024
"""Bytes of the largest body whose cost is guessed rather than counted; most reviews are smaller."""
_SMALL_COST: Final = 16
"""Bytes of memory that a byte of a small body may cost once it is decoded: at most, so that a small
review has room for certain where 256 connections share the budget."""
_HUGE: Final = 1024 * 1024
"""Bytes of the largest body that is decoded as it came. No usual object comes near it, and what a
400 says of a place in the body is true up to here."""
_PART_COST: Final = 96
"""Bytes of memory that a part costs once it is decoded; each ``{`` and each ``,`` of the body is
counted as one. Measured with empty managed fields, with containers and with annotations, which cost
up to 134 for two parts."""
_GRACE: Final = 2.0
"""Seconds that every body has; as long as the API server waits for an answer, by the chart's
``timeoutSeconds``."""
_RATE: Final = 1024 * 1024
"""Bytes in a second that a larger body has to arrive with after that."""
_TIME: Final = 10.0
"""Seconds that any body may take, at most."""
_ESCAPES: Final = (
    (rb"\\", rb"\u005c"),
    (rb"\u003c", b"<"),
    (rb"\u003e", b">"),
    (rb"\u0026", b"&"),
    (rb"\u005c", rb"\\"),
)
"""What :class:`HtmlEscapes` replaces by what, one after the other; Go writes lower case."""
_CLOSE: Final = {"Connection": "close"}
"""Header of an answer that comes before the body is complete: the connection has to end."""


@dataclasses.dataclass(slots=True)
class Budget:
    """Memory that all requests in flight share.

    Counted as it is needed, not as it is declared: otherwise a few clients that declare much and
    send nothing would keep everybody else out. Where it is used up, the one that uses most of it
    has to go: so a review that needs less than the budget divided by the number of connections
    never waits for others and is never refused because of them.
    """

    limit: int = BUDGET
    """Bytes that there are."""

    used: int = 0
    """Bytes that are taken."""

    bodies: "set[Body]" = dataclasses.field(default_factory=set)
    """Which have taken them, or may."""


class Body:
    """The body of one request, and its share of the budget until the context ends.

    Args:
        budget: Of the process.
        limit: Bytes of one body.

    Raises:
        HTTPException: 408, where the body did not arrive in time; 503, where it had to make room.
    """

    __slots__ = ("_arrived", "_budget", "_deadline", "_gave_way", "_limit", "size")

    def __init__(self, budget: Budget, limit: int) -> None:
        self._budget = budget
        self._limit = limit
        self._arrived = 0
        self._gave_way = False
        # Entered and left by hand, because the class is a context manager itself; and rescheduled
        # as the body arrives.
        self._deadline = asyncio.timeout(_GRACE)
        self.size = 0
        """Bytes that it takes of the budget."""

    async def __aenter__(self) -> Self:
        """Begin the time that the body may take, and take part in the budget."""
        await self._deadline.__aenter__()
        self._budget.bodies.add(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give back what was taken."""
        self._budget.bodies.discard(self)
        self._release()
        try:
            await self._deadline.__aexit__(kind, error, trace)
        except TimeoutError:
            raise _too_many() if self._gave_way else _too_slow() from None

    async def read(self, request: Request) -> bytes | bytearray:
        """Read all of it.

        Raises:
            HTTPException: 413 or 503, as soon as it is known to be too much; or 400 if the client
                went away.
        """
        # A number, if it is there: llhttp refuses any other (httptools 0.9).
        declared = int(request.headers.get("content-length", "0"))
        self._check(declared)
        escapes = HtmlEscapes()
        began = asyncio.get_running_loop().time()
        # Grown in place: chunks that are joined take twice the room, and many small ones more.
        whole = bytearray()
        parts = 0
        more = True
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise HTTPException(400, "The client went away before the body was complete.")
            chunk: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            self._check(len(chunk))
            self._arrived += len(chunk)
            if declared > _HUGE:
                chunk = escapes.undo(chunk)
            self._take(len(chunk))
            whole += chunk
            # Not at the end, where it would keep the loop from everybody else for a while.
            parts += chunk.count(b"{") + chunk.count(b",")
            cost = self._cost(len(whole), parts, more=more)
            if more:
                allowed = min(_GRACE + self._arrived / _RATE, _TIME)
                self._deadline.reschedule(began + allowed)
        self._deadline.reschedule(None)
        self._take(cost)
        return whole

    def give_way(self) -> None:
        """Leave the budget to others: whoever answers the request is interrupted."""
        self._release()
        self._gave_way = True
        if not self._deadline.expired():
            self._deadline.reschedule(0)  # long ago by the loop's clock, so at once

    def _release(self) -> None:
        self._budget.used -= self.size
        self.size = 0

    def _check(self, more: int) -> None:
        """Refuse a body that would be too large, with these bytes more."""
        if self._arrived + more > self._limit:
            raise HTTPException(
                413,
                f"The body is larger than {self._limit} bytes, which no review of an object that "
                "Kubernetes accepts can be.",
                _CLOSE,
            )

    def _take(self, more: int) -> None:
        """Take more of the budget; refuse where this would be the largest share of all."""
        if self._gave_way:  # just now, before the interruption has come
            raise _too_many()
        budget = self._budget
        while budget.used + more > budget.limit:
            largest = max(budget.bodies, key=lambda body: body.size)
            if largest.size <= self.size + more:
                raise _too_many()
            largest.give_way()
        budget.used += more
        self.size += more

    def _cost(self, size: int, parts: int, *, more: bool) -> int:
        """Tell what decoding costs: a body of tiny parts becomes many times as large.

        Raises:
            HTTPException: 413, where it is too much, also while there is ``more`` to come.
        """
        if size <= _SMALL:
            return _SMALL_COST * size
        cost = _PART_COST * parts
        if cost + size > self._budget.limit:
            raise HTTPException(
                413,
                f"The body has at least {parts} parts, which no review of an object that "
                "Kubernetes accepts can have.",
                _CLOSE if more else None,
            )
        return cost


class HtmlEscapes:
    """Undoes what Go's encoder escapes for browsers, in one text that comes in chunks.

    It writes ``<``, ``>`` and ``&`` in strings as six bytes each, so that the 3 MiB that the API
    server takes may come as 18 MB. Decoding them in one piece would keep the loop from others.

    The text means the same before and after, and what is no JSON remains none. In JSON a backslash
    begins an escape, unless it is the second half of one. So first each such pair becomes the other
    spelling of the same character. Then every backslash that is left begins an escape, which can be
    replaced wherever it is found; the pairs come back last. Outside of strings neither a backslash
    nor what may take its place is JSON. An escape that a chunk's end cuts stays as it is.

    Source:
        Go encoding/json indent.go, appendHTMLEscape; of what else it escapes, U+2028 and U+2029
        would gain little. k8s.io/apiserver pkg/server/config.go, MaxRequestBodyBytes.
    """

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = 0
        """Bytes of the next chunk, 0 or 1, whose backslash was the last byte so far."""

    def undo(self, chunk: bytes) -> bytes:
        """Write what comes next, which may be nothing, with fewer escapes."""
        first, rest = chunk[: self._begun], chunk[self._begun :]
        backslashes = len(rest) - len(rest.rstrip(b"\\"))
        self._begun += backslashes % 2 - len(first)
        if rb"\u00" not in rest:
            return chunk
        for old, new in _ESCAPES:
            rest = rest.replace(old, new)
        return first + rest


def _too_many() -> HTTPException:
    # No Retry-After: the API server would come back up to ten times, with the same body.
    return HTTPException(503, "Too many large reviews are being answered at the moment.")


def _too_slow() -> HTTPException:
    return HTTPException(
        408,
        f"The body did not arrive in time: within {_GRACE:.0f} seconds, and one second more for "
        f"each {_RATE // 1024} KiB, but {_TIME:.0f} seconds at most.",
        _CLOSE,
    )
