"""What the API server answers: an object, or one of our errors, and what time it is."""

import datetime as dt
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import msgspec

from webhook.cluster import ClusterError, Conflict, Expired, Forbidden, NotFound, Unreachable

T = TypeVar("T")

_UNPROCESSABLE: Final = 422

_ERRORS: Final[dict[int, type[ClusterError]]] = {
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
}

_QUOTING: Final = {400, _UNPROCESSABLE}
"""Statuses whose message may quote what was sent: of a patched Secret even the whole Secret."""


class Cause(msgspec.Struct, gc=False):
    """One field that the API server does not take as it is."""

    field: str = ""


class Details(msgspec.Struct, gc=False, frozen=True):
    """The machine's part of a Status."""

    causes: tuple[Cause, ...] = ()


class Status(msgspec.Struct, gc=False):
    """The part of a ``v1 Status`` that tells what went wrong."""

    code: int = 0
    message: str = ""
    details: Details = Details()


_status = msgspec.json.Decoder(Status)


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, what: str) -> T:
    """Decode an answer.

    Args:
        decoder: For the type that is expected.
        body: JSON.
        what: The request, for the error.

    Raises:
        Unreachable: It is something else: cut off, or from a proxy that has its own opinions.
    """
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"{what}: the answer makes no sense: {sentence(error)}") from error


def status(body: bytes | msgspec.Raw) -> Status:
    """Decode a Status; an empty one where it is something else, such as a proxy's HTML."""
    try:
        return decode(_status, body, "")
    except Unreachable:
        return Status()


def error_of(code: int, reason: Status, what: str, *, sent: bool = False) -> ClusterError:
    """Make the error that an HTTP status stands for.

    Args:
        code: The HTTP status.
        reason: What the API server says about it; for 403 that names verb, resource and user.
        what: The request: verb and path.
        sent: Whether it had a body, which must not get into the error.
    """
    causes = reason.details.causes
    if sent and code in _QUOTING:
        message = ", ".join(f"{sentence(cause.field)} is not valid" for cause in causes)
    else:
        message = sentence(reason.message)
    kind = _ERRORS.get(code, Unreachable)
    if sent and code == _UNPROCESSABLE and not causes:
        # A JSON Patch does not fit the object (any more); an object that is wrong has its causes.
        kind = Conflict
    return kind(f"{what}: HTTP {code}, {message or 'no reason given'}")


def date(headers: Mapping[str, str]) -> dt.datetime | None:
    """Read the clock of the API server, which is the one that it judges certificates by.

    Args:
        headers: Of an answer; their names in any case.

    Returns:
        UTC, to the second; ``None`` where the header ``Date`` is missing or nonsense.

    Source:
        RFC 9110 section 6.6.1.
    """
    try:
        told = parsedate_to_datetime(headers.get("Date", ""))
        # The oldest of the three formats names no zone, and all of them mean UTC.
        return (told if told.tzinfo else told.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def sentence(text: object) -> str:
    """Put an error's text on one line, as logs and terminals want it."""
    return " ".join(str(text).split())
