"""What the API server answers: an object, or one of our errors, and what time it is."""

import datetime as dt
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import msgspec

from webhook.cluster import (
    ClusterError,
    Conflict,
    Expired,
    Forbidden,
    Misfit,
    NotFound,
    Rejected,
    Unreachable,
)

T = TypeVar("T")

_CONFLICT: Final = 409
_UNPROCESSABLE: Final = 422

_ERRORS: Final[dict[int, type[ClusterError]]] = {
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    410: Expired,
}

_FIRST: Final = {"Conflict", "AlreadyExists"}
"""What a 409 says where somebody else was first; with another reason it is somebody's policy."""

_DENIED: Final = re.compile(
    r"ValidatingAdmissionPolicy '[^']+' with binding '[^']+' denied request"
    r'|admission webhook "[^"]+" denied the request'
)
"""How the API server says whose policy it was; the policy's own words, which may quote, follow.

Source: k8s.io/apiserver pkg/admission/plugin/policy/validating/dispatcher.go and
pkg/admission/plugin/webhook/errors/statuserror.go.
"""

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
    reason: str = ""
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
    quotes = sent and code in _QUOTING
    message = _without_body(reason) if quotes else sentence(reason.message)
    kind = _ERRORS.get(code, Unreachable)
    if code == _CONFLICT and reason.reason in _FIRST:
        kind = Conflict
    elif sent and code == _UNPROCESSABLE:
        kind = Rejected if reason.details.causes else Misfit
    silent = "the patch does not fit the object" if kind is Misfit else "no reason given"
    return kind(f"{what}: HTTP {code}, {message or silent}")


def _without_body(reason: Status) -> str:
    """Say what is wrong, by whose policy or in which fields, and quote nothing that was sent."""
    denied = _DENIED.search(sentence(reason.message))
    if denied is not None:
        return denied.group()
    fields = (sentence(cause.field) for cause in reason.details.causes)
    return ", ".join(f"{field} is not valid" for field in fields if field)


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
