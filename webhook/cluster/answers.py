"""What the API server answers: an object, or one of our errors, and what time it is.

One watch request: a response that goes on for minutes, one event per line.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, TypeVar

import msgspec
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

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


class Entry(NamedTuple):
    """One webhook of the configuration."""

    name: str
    host: str
    """The name that the API server verifies."""
    bundle: bytes
    """PEM as published; empty where there is none."""


class Published(NamedTuple):
    """The configuration as it was read."""

    entries: tuple[Entry, ...]
    resource_version: str
    writers: tuple[str, ...] = ()
    """Who wrote a caBundle that is there, and when; the last one first. By the name of a field
    manager, which of two with one name says nothing."""


class Event(msgspec.Struct, gc=False):
    """One event of a watch."""

    type: str
    """``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``; an ``ERROR`` is raised instead."""
    object: msgspec.Raw


_decoder = msgspec.json.Decoder(Event)


class Watch:
    """Iterate over its events in one thread, close it from any."""

    def __init__(self, what: str, send: Callable[[], HTTPResponse]) -> None:
        """Prepare a watch; nothing is sent before its events are asked for.

        Args:
            what: Names the request in errors.
            send: Sends it and returns the response, its body not read.
        """
        self._what = what
        self._send = send
        self._response: HTTPResponse | None = None
        self._closed = False

    def events(self, opened: Callable[[], None]) -> Iterator[Event]:
        """Send the request and yield events until the server ends the stream or we close it.

        Args:
            opened: Called once the server has accepted the watch, before the first event.

        Raises:
            ClusterError: The request failed, the connection broke or was silent for too long, or
                the server sent an ``ERROR`` event.
        """
        self._response = response = self._send()
        try:
            if self._closed:  # asked after close() could see the response, so that one of us acts
                return
            opened()
            for line in response:
                yield self._event(line)
        except (HTTPError, OSError, ValueError) as error:  # ValueError: TLS closed under a read
            if not self._closed:
                raise Unreachable(f"{self._what} broke off: {sentence(error)}") from error
        finally:
            response.close()

    def close(self) -> None:
        """Make :meth:`events` end at once, also while it waits for the next one."""
        self._closed = True
        if self._response is not None:
            try:
                self._response.shutdown()
            except (OSError, RuntimeError, ValueError):
                return  # it has ended by itself

    def _event(self, line: bytes) -> Event:
        """Decode one line."""
        event = decode(_decoder, line, self._what)
        if event.type != "ERROR":
            return event
        reason = status(event.object)
        raise error_of(reason.code, reason, self._what)
