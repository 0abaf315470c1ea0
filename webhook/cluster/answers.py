"""What the API server's answers mean: errors, its clock, pages of a list, events of a watch.

:class:`ObservedConfiguration` stands here and not with the client that reads it, because
:mod:`webhook.certificates.verification` needs no more of this package than that.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from webhook.cluster import (
    ClusterError,
    Conflict,
    Expired,
    Forbidden,
    NotFound,
    Rejected,
    RejectedWithoutCause,
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
"""By HTTP status; what is not here needs a closer look, or is :class:`Unreachable`."""
_CONFLICT_REASONS: Final = {"Conflict", "AlreadyExists"}
"""What a 409 says where somebody else was first; with another reason it is somebody's policy."""
_DENIED_BY_POLICY: Final = re.compile(
    r"ValidatingAdmissionPolicy '[^']+' with binding '[^']+' denied request"
    r'|admission webhook "[^"]+" denied the request'
)
"""How the API server says whose policy it was; the policy's own words follow, which may quote what
was sent.

Source:
    k8s.io/apiserver pkg/admission/plugin/policy/validating/dispatcher.go and
    pkg/admission/plugin/webhook/errors/statuserror.go.
"""
_REFUSED: Final = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) '
    r'(?:resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"|path "(?P<path>[^"]+)")'
    r"(?P<where>[^:]*)"
)
"""How the API server says that a right is missing; the authorizer's own reason may follow.

Source:
    k8s.io/apiserver pkg/endpoints/handlers/responsewriters/errors.go, forbiddenMessage.
"""
_QUOTING_STATUSES: Final = {400, _UNPROCESSABLE}
"""HTTP statuses whose message may quote what was sent: of a patched Secret even the whole of it."""


class Cause(msgspec.Struct, gc=False):
    """One field that the API server does not take as it is."""

    field: str = ""


class Details(msgspec.Struct, gc=False, frozen=True):
    """``details`` of a Status: what it tells to programs."""

    causes: tuple[Cause, ...] = ()


class _StatusMetadata(msgspec.Struct, gc=False, frozen=True):
    """``metadata`` of a Status: the token that goes on with an expired list."""

    continue_: str = msgspec.field(name="continue", default="")


class Status(msgspec.Struct, gc=False):
    """The part of a ``v1 Status`` that tells what went wrong."""

    status: str = ""
    """``Success`` or ``Failure``."""
    code: int = 0
    message: str = ""
    reason: str = ""
    details: Details = Details()
    metadata: _StatusMetadata = _StatusMetadata()


class ConfigurationEntry(NamedTuple):
    """One of the ``webhooks`` of a MutatingWebhookConfiguration."""

    name: str
    host: str
    """The name that the API server verifies."""
    bundle: bytes
    """PEM as published in ``caBundle``; empty where there is none."""


class ObservedConfiguration(NamedTuple):
    """A MutatingWebhookConfiguration as it was read."""

    entries: tuple[ConfigurationEntry, ...]
    resource_version: str
    writers: tuple[str, ...] = ()
    """Who wrote a caBundle that is there, and when; the last one first. Each is the name of a field
    manager, which does not tell two writers of the same name apart."""


class Event(msgspec.Struct, gc=False):
    """One event of a watch."""

    type: str
    """``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``; an ``ERROR`` is raised instead."""
    object: msgspec.Raw


class ListMeta(msgspec.Struct, gc=False, rename="camel"):
    """``metadata`` of a list."""

    resource_version: str
    continue_: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct, Generic[T], gc=False):
    """One page of a list."""

    metadata: ListMeta
    items: list[T]


_status = msgspec.json.Decoder(Status)
_event = msgspec.json.Decoder(Event)


class Watch:
    """One watch request: a response that goes on for minutes, one event per line.

    Its events are iterated over in one thread; it can be closed from any. Nothing is sent before
    the events are asked for.

    Args:
        what: Names the request in errors.
        send: Sends it and returns the response, its body not read.
    """

    def __init__(self, what: str, send: Callable[[], HTTPResponse]) -> None:
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
            # Asked after the response is stored, while close() does the two in the other order: so
            # whichever comes first, one of them sees that the watch has to end.
            if self._closed:
                return
            opened()
            # urllib3 2.8.0 reads a chunked response as it comes and yields whole lines, so that an
            # event is here as soon as its line has ended.
            for line in response:
                yield self._decode(line)
        # ValueError: close() in another thread took the TLS connection away under a read (ssl of
        # Python 3.11). Errors of our own pass: they are no ValueError.
        except (HTTPError, OSError, ValueError) as error:
            if not self._closed:
                raise Unreachable(f"{self._what} broke off: {one_line(error)}") from error
        finally:
            response.close()

    def close(self) -> None:
        """Make :meth:`events` end at once, also while it waits for the next one."""
        self._closed = True
        if self._response is not None:
            # Not response.close(): that does not wake a thread that is reading. shutdown() exists
            # since urllib3 2.3 and shuts the socket down for reading (seen in 2.8.0).
            try:
                self._response.shutdown()
            except (OSError, RuntimeError, ValueError):
                return  # it has ended by itself; urllib3 has an exception for each way it can

    def _decode(self, line: bytes) -> Event:
        """Decode one line."""
        event = decode(_event, line, self._what)
        if event.type != "ERROR":
            return event
        status = decode_status(event.object)
        raise error_of(status.code, status, self._what)


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, what: str) -> T:
    """Decode an answer.

    Args:
        decoder: For the type that is expected.
        body: JSON.
        what: The request, for the error.

    Raises:
        Unreachable: It is something else: cut off, or not the API server's but a proxy's.
    """
    try:
        return decoder.decode(body)
    # msgspec 0.22.0: its DecodeError and ValidationError are ValueErrors, as is UnicodeDecodeError;
    # brackets nested too deeply are a RecursionError.
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"{what}: the answer makes no sense: {one_line(error)}") from error


def decode_status(body: bytes | msgspec.Raw) -> Status:
    """Decode a Status; an empty one where it is something else, such as a proxy's HTML."""
    try:
        return decode(_status, body, "")
    except Unreachable:
        return Status()


def error_of(code: int, status: Status, what: str, *, sent: bool = False) -> ClusterError:
    """Make the error that an HTTP status stands for.

    Args:
        code: The HTTP status.
        status: What the API server says about it; for 403 that names verb, resource and user.
        what: The request: verb and path.
        sent: Whether it had a body, which must not get into the error.
    """
    quotes = sent and code in _QUOTING_STATUSES
    message = _without_body(status) if quotes else one_line(status.message)
    kind = _ERRORS.get(code, Unreachable)
    if code == _CONFLICT and status.reason in _CONFLICT_REASONS:
        kind = Conflict
    elif sent and code == _UNPROCESSABLE:
        kind = Rejected if status.details.causes else RejectedWithoutCause
    unsaid = "no reason given"
    if kind is RejectedWithoutCause:
        unsaid = "the patch does not fit the object"
    error = kind(f"{what}: HTTP {code}, {message or unsaid}")
    if isinstance(error, Expired):
        error.resume = status.metadata.continue_
    if isinstance(error, Forbidden):
        error.refused = _refused(message)
    return error


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


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how long the API server wants to be left alone, as it says with 429 and 503.

    Args:
        headers: Of an answer; their names in any case.

    Returns:
        Seconds; ``None`` where the header is missing, or is a date, which Kubernetes never sends.

    Source:
        RFC 9110 section 10.2.3; k8s.io/apiserver pkg/server/filters/maxinflight.go.
    """
    told = headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else None


def one_line(text: object) -> str:
    """Put an error's text on one line, as logs and terminals want it."""
    return " ".join(str(text).split())


def _refused(message: str) -> str:
    """Say who may not do what; empty where the message is another one."""
    found = _REFUSED.search(message)
    if found is None:
        return ""
    what = found["path"] or f"{found['resource']}.{found['group']}".removesuffix(".")
    return f"{found['user']} may not {found['verb']} {what}{found['where'].rstrip()}"


def _without_body(status: Status) -> str:
    """Say what is wrong, by whose policy or in which fields, and quote nothing that was sent."""
    denied = _DENIED_BY_POLICY.search(one_line(status.message))
    if denied is not None:
        return denied.group()
    fields = (one_line(cause.field) for cause in status.details.causes)
    return ", ".join(f"{field} is not valid" for field in fields if field)
