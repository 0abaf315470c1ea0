"""Requests: mostly reviews, posted as they should be; some that are wrong as HTTP already."""

import dataclasses
import random
from typing import Final

from tests.fuzz.mutations import Mutator

_PATHS: Final = ("/", "/mutate/", "/Mutate", "/docs", "/%00", "/mutate%2f", "//mutate", "/" * 2000)
_METHODS: Final = ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
_TYPES: Final = (
    *("", "text/plain", "application/yaml", "application/jsonx", ";", "\xff", "json, x"),
    *("application/json-patch+json", "application /json", "multipart/form-data; boundary=x"),
)
_BROKEN: Final = (
    *(b"Content-Length: -1", b"Content-Length: 1_0", b"Content-Length: 9" + b"9" * 40),
    *(b"Content-Length: x", b"Content-Length: 1\r\nContent-Length: 2", b"Transfer-Encoding: x"),
    *(b"Content-Length: 3\r\nTransfer-Encoding: chunked", b"\x00: x", b"no colon", b"A" * 70_000),
    *(b"Upgrade: websocket\r\nConnection: Upgrade", b"Expect: 200-ok", b"X: \xff\xfe\r\n folded"),
)
_OVER: Final = 20 * 1024 * 1024 + 1


@dataclasses.dataclass(slots=True)
class Case:
    """One request, and what may come of it."""

    sort: str
    sent: bytes
    """All bytes of the request."""
    statuses: frozenset[int]
    """Statuses that are right; empty where an answer need not come."""
    body: bytes = b""
    """The review in it."""
    bodiless: bool = False
    """Whether the answer has no body whatever it says, as one to HEAD."""
    last: bool = False
    """Whether the connection ends with it."""


class Cases:
    """Makes requests from a source of chance.

    Args:
        seed: The same seed makes the same requests.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311  reproducible, not secret
        self._mutator = Mutator(self._chance)

    def next(self) -> Case:
        """Make the next request."""
        chance = self._chance
        draw = chance.random()
        body = self._mutator.review()
        if draw < 0.93:
            return Case("review", post(body), _ANSWERED, body)
        if draw < 0.945:
            return Case(
                "chunked review",
                chunked(body, chance.choice((7, 100, 1000, 100_000))),
                _ANSWERED,
                body,
            )
        if draw < 0.96:
            sent = post(body, path=chance.choice(_PATHS))
            return Case("wrong path", sent, frozenset({404}))
        if draw < 0.975:
            method = chance.choice(_METHODS)
            sent = post(body, method=method)
            return Case("wrong method", sent, frozenset({405}), bodiless=method == "HEAD")
        if draw < 0.99:
            sent = post(body, media_type=chance.choice(_TYPES))
            return Case("wrong content type", sent, frozenset({415}))
        return self._cut_or_broken(body)

    def _cut_or_broken(self, body: bytes) -> Case:
        """Make a request that the connection does not survive."""
        chance = self._chance
        draw = chance.random()
        whole = post(body)
        if draw < 0.4:
            return Case("cut off", whole[: chance.randrange(len(whole))], frozenset(), last=True)
        if draw < 0.5:
            sent = post(b"{", length=_OVER)
            return Case("too large by its header", sent, frozenset({413}), last=True)
        if draw < 0.8:
            line = chance.choice(_BROKEN)
            sent = b"POST /mutate HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n" + body
            return Case("broken header", sent, frozenset(), last=True)
        head, blank, rest = whole.partition(b"\r\n\r\n")
        sent = self._mutator.damaged(head) + blank + rest
        return Case("damaged head", sent, frozenset(), last=True)


_JSON: Final = "application/json"
_ANSWERED: Final = frozenset({200, 400})


def _head(method: str, path: str, media_type: str) -> bytes:
    """Write a request's first lines."""
    content_type = f"Content-Type: {media_type}\r\n" if media_type else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{content_type}".encode("latin-1")


def post(
    body: bytes,
    *,
    method: str = "POST",
    path: str = "/mutate",
    media_type: str = _JSON,
    length: int | None = None,
) -> bytes:
    """Write a request whose body says how long it is.

    Args:
        body: All of it.
        method: Of the request.
        path: Of the request.
        media_type: Empty for none.
        length: What to say instead of the truth.
    """
    declared = len(body) if length is None else length
    return _head(method, path, media_type) + b"Content-Length: %d\r\n\r\n%s" % (declared, body)


def chunked(body: bytes, size: int) -> bytes:
    """Write a request whose body comes in pieces, at most some dozens, and says nothing of length.

    Args:
        body: The whole of it.
        size: Bytes of a piece.
    """
    size = max(size, len(body) // 50)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    written = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    return _head("POST", "/mutate", _JSON) + b"Transfer-Encoding: chunked\r\n\r\n" + written
