"""Blocking calls beside the event loop.

Requests to the API server.

Answers are bytes; the caller decodes what it needs. Everything here blocks: a service calls it from
a thread.

Writing with optimistic concurrency: a change counts only if nobody else made one since we read.

Source:
    Kubernetes API Conventions, "Concurrency Control and Consistency"; RFC 6902 (JSON Patch).
"""

import asyncio
import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from kubernetes.client.configuration import Configuration
from urllib3.exceptions import HTTPError

from webhook.cluster import Conflict, Misfit, Unreachable, answers, transport
from webhook.cluster.answers import Watch
from webhook.cluster.transport import Body, Request, Timeout, Transport

T = TypeVar("T")


def call(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Call a function in a daemon thread of its own.

    Not ``asyncio.to_thread``: the end of the process waits for its threads, and a request to an API
    server that is gone can hang for a while.

    Args:
        function: What to call; it keeps running when the future is cancelled.
        name: The thread's name.

    Returns:
        What becomes of it, in the running event loop.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], outcome: object) -> None:
        if not future.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome = function()
        except Exception as error:  # noqa: BLE001  raised where the future is awaited
            post(loop, settle, future.set_exception, error)
        else:
            post(loop, settle, future.set_result, outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def post(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    """Call a function in an event loop from another thread, in the order of the posts.

    A loop that has been closed has nobody left who could care.
    """
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)


class Answer(NamedTuple):
    """A good answer."""

    body: bytes
    date: dt.datetime | None
    """The API server's own clock, in UTC; ``None`` where it did not tell."""

    def __repr__(self) -> str:
        """Keep out of logs and tracebacks what may be a Secret."""
        return f"Answer({len(self.body)} bytes, date={self.date})"


class Client:
    """Requests to one API server. Safe to share between threads."""

    def __init__(self, load: Callable[[], Configuration] = transport.load) -> None:
        """Make a client; nothing is opened before the first request.

        Args:
            load: Reads address and credentials; called again when the server refuses them.

        Raises:
            ConfigurationError: From ``load``.
        """
        self._transport = Transport(load)

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        timeout: Timeout = 10.0,
    ) -> Answer:
        """Read one object, or one page of a list.

        Args:
            path: Absolute and already quoted, such as ``/api/v1/namespaces``.
            params: The query.
            accept: Wanted media type.
            timeout: How long to wait.

        Raises:
            ClusterError: There is no answer, or it is an error.
        """
        return self._ask(
            Request(
                what=f"get {path}",
                method="GET",
                path=path,
                params=params or {},
                headers={"Accept": accept},
                timeout=timeout,
            )
        )

    def send(
        self,
        method: str,
        path: str,
        body: Body,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        timeout: Timeout = 10.0,
    ) -> Answer:
        """Write an object. Nothing of the body gets into an error or a log.

        Args:
            method: ``POST`` or ``PATCH``.
            path: Absolute and already quoted.
            body: A dict, or for a JSON Patch a list; empty makes no sense.
            content_type: Its media type; ``application/json-patch+json`` for a JSON Patch.
            params: The query.
            timeout: How long to wait.

        Raises:
            ClusterError: There is no answer, or it is an error. After :class:`Unreachable` it may
                have been done nevertheless.
        """
        return self._ask(
            Request(
                what=f"{method.lower()} {path}",
                method=method,
                path=path,
                params=params or {},
                headers={"Accept": "application/json", "Content-Type": content_type},
                timeout=timeout,
                body=body,
            )
        )

    def watch(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        accept: str = "application/json",
        timeout: Timeout = (5.0, 90.0),
    ) -> Watch:
        """Prepare a watch.

        Args:
            path: Of the collection.
            params: The query, without ``watch``.
            accept: Wanted media type.
            timeout: A connection that is silent for as long as one read may take counts as dead;
                bookmarks come about once a minute.
        """
        request = Request(
            what=f"watch {path}",
            method="GET",
            path=path,
            params={**params, "watch": "true"},
            headers={"Accept": accept},
            timeout=timeout,
        )
        return Watch(request.what, lambda: self._transport.send(request))

    def close(self) -> None:
        """Close the connections that wait for a next request."""
        self._transport.close()

    def _ask(self, request: Request) -> Answer:
        """Send a request and read the whole answer."""
        response = self._transport.send(request)
        try:
            return Answer(response.data, answers.date(response.headers))
        except HTTPError as error:
            raise Unreachable(f"{request.what} broke off: {answers.sentence(error)}") from error


_MANAGER: Final = {"fieldManager": "source-ip-webhook"}
"""Whose the fields are that we write, so that Helm and kubectl can tell them from theirs."""
Operation = dict[str, Any]
"""One operation of a JSON Patch."""


class Metadata(msgspec.Struct, gc=False, rename="camel"):
    """``metadata`` of an object that is to be changed."""

    resource_version: str


class _Versioned(msgspec.Struct, gc=False):
    """The part of any object that tells its version."""

    metadata: Metadata


_decoder = msgspec.json.Decoder(_Versioned)


def add(path: str, value: object) -> Operation:
    """Set a field, whether it is there or not."""
    return {"op": "add", "path": path, "value": value}


def create(client: Client, collection: str, body: dict[str, Any]) -> None:
    """Make an object.

    Args:
        client: May ``create``.
        collection: Path to make it in.
        body: The object.

    Raises:
        Conflict: There is one of this name.
        ClusterError: It failed otherwise.
    """
    client.send("POST", collection, body, params=_MANAGER)


def patch(client: Client, path: str, operations: list[Operation], resource_version: str) -> None:
    """Change an object.

    Args:
        client: May ``patch``.
        path: Of the object.
        operations: What to change.
        resource_version: Of the object that they are made for.

    Raises:
        Conflict: It was changed since.
        NotFound: It was deleted since.
        Rejected: It is as it was, and somebody does not let us change it so.
        ClusterError: It failed otherwise.
    """
    # The API server takes a resourceVersion within a patch as a precondition and answers 409.
    operations = [*operations, add("/metadata/resourceVersion", resource_version)]
    try:
        client.send(
            "PATCH", path, operations, content_type="application/json-patch+json", params=_MANAGER
        )
    except Misfit as misfit:
        # Operations are tried before the precondition: they may not fit because of a change.
        if _version(client, path) != resource_version:
            raise Conflict(f"{misfit}, as it was changed meanwhile") from misfit
        raise


def _version(client: Client, path: str) -> str:
    """Read which version of an object there is now."""
    body = client.get(path).body
    return answers.decode(_decoder, body, f"get {path}").metadata.resource_version
