"""How a list is read page by page, whatever its length, from an API server that may be busy.

No more than one page is in memory. A busy or restarting API server is asked again, since a list
that reads thousands of objects should not be lost for one answer.

Source:
    Kubernetes API Concepts, "Retrieving large results sets in chunks".
"""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec
import tenacity

from webhook.cluster import Expired, Unreachable, answers
from webhook.cluster.answers import Page
from webhook.cluster.client import Answer, Client

T = TypeVar("T")
METADATA_ONLY: Final = (
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)
"""The media type of a list of objects without ``spec`` and ``status``, where the server has it."""
_LIMIT: Final = 500
"""Objects in one page, as kubectl has it."""
_ATTEMPTS: Final = 5
"""How often one request is made."""
_LONGEST_PAUSE: Final = 10.0
"""Seconds before the next attempt, whatever the API server asks for."""


def read(ask: Callable[[], Answer], sleep: Callable[[float], None] = tenacity.nap.sleep) -> Answer:
    """Make a request that only reads, and make it again where the API server is busy or away.

    Args:
        ask: Makes the request once.
        sleep: Waits for so many seconds.

    Raises:
        ClusterError: The last attempt failed, or an attempt failed in a way that stays.
    """
    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_pass),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=_pause,
        sleep=sleep,
        reraise=True,
    )
    return again(ask)


def pages(
    client: Client,
    path: str,
    decoder: msgspec.json.Decoder[Page[T]],
    params: Mapping[str, str] | None = None,
    *,
    accept: str = "application/json",
    limit: int = _LIMIT,
) -> Iterator[list[T]]:
    """Read a list page by page.

    Where the list takes so long that its revision is gone, it goes on as of a later one: what was
    made or removed meanwhile may be missing or may be there.

    Args:
        client: May ``list`` there.
        path: Of the collection, absolute and already quoted.
        decoder: Decodes a page.
        params: The query, such as ``labelSelector``.
        accept: Wanted media type.
        limit: Objects in one page.

    Yields:
        The objects of each page.

    Raises:
        ClusterError: Nobody can tell, even when asked again.
    """
    token = ""
    while True:
        query = {**(params or {}), "limit": str(limit)}
        if token:
            query["continue"] = token
        try:
            answer = read(lambda: client.get(path, query, accept=accept, timeout=30.0))  # noqa: B023
        except Expired as expired:
            if not expired.resume or expired.resume == token:
                raise
            token = expired.resume
            continue
        page = answers.decode(decoder, answer.body, f"get {path}")
        yield page.items
        token = page.metadata.continue_
        if not token:
            return


_back_off: Final = tenacity.wait_random_exponential(multiplier=0.2, max=_LONGEST_PAUSE)


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed later: not where it is no good one, such as a 400."""
    return isinstance(error, Unreachable) and error.status != HTTPStatus.BAD_REQUEST


def _pause(state: tenacity.RetryCallState) -> float:
    """Tell the pause before the next attempt, in seconds: what is asked for, or back-off."""
    failure = state.outcome and state.outcome.exception()
    asked = failure.retry_after if isinstance(failure, Unreachable) else None
    return _back_off(state) if asked is None else min(asked, _LONGEST_PAUSE)
