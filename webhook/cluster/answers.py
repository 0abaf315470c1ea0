"""What the API server answers: an object, or one of our errors."""

from typing import Final, TypeVar

import msgspec

from webhook.cluster import ClusterError, Expired, Forbidden, NotFound, Unreachable

T = TypeVar("T")

_ERRORS: Final[dict[int, type[ClusterError]]] = {
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    410: Expired,
}


class Status(msgspec.Struct, gc=False):
    """The part of a ``v1 Status`` that tells what went wrong."""

    code: int = 0
    message: str = ""


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


def error_of(code: int, reason: Status, what: str) -> ClusterError:
    """Make the error that an HTTP status stands for.

    Args:
        code: The HTTP status.
        reason: What the API server says about it; for 403 that names verb, resource and user.
        what: The request: verb and path.
    """
    message = sentence(reason.message) or "no reason given"
    return _ERRORS.get(code, Unreachable)(f"{what}: HTTP {code}, {message}")


def sentence(text: object) -> str:
    """Put an error's text on one line, as logs and terminals want it."""
    return " ".join(str(text).split())
