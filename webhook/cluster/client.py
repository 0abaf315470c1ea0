"""How requests are made to the API server: reads, watches, and writes that notice other writers.

Answers are bytes; the caller decodes what it needs. A :class:`Client` blocks, so whatever runs in
the event loop calls it with :func:`in_thread`.

Source:
    Kubernetes API Conventions, "Concurrency Control and Consistency"; RFC 6902 (JSON Patch).
"""

import asyncio
import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from urllib3.exceptions import HTTPError

from webhook.cluster import Conflict, RejectedWithoutCause, Unreachable, answers
from webhook.cluster.answers import Watch
from webhook.cluster.transport import Body, Dialled, Endpoint, Request, Timeout, Transport

T = TypeVar("T")
Operation = dict[str, Any]
"""One operation of a JSON Patch."""
_FIELD_MANAGER: Final = {"fieldManager": "source-ip-webhook"}
"""Names us as the manager of the fields that we write, so that Helm and kubectl can tell them from
their own."""


class Answer(NamedTuple):
    """A good answer."""

    body: bytes
    date: dt.datetime | None
    """The API server's own clock, in UTC; ``None`` where it did not tell."""

    def __repr__(self) -> str:
        """Keep out of logs and tracebacks what may be a Secret."""
        return f"Answer({len(self.body)} bytes, date={self.date})"


class VersionedMetadata(msgspec.Struct, gc=False, rename="camel"):
    """``metadata`` of any object, of which a writer needs no more than this."""

    resource_version: str


class _Versioned(msgspec.Struct, gc=False):
    """The part of any object that tells its version."""

    metadata: VersionedMetadata


_versioned = msgspec.json.Decoder(_Versioned)


class Client:
    """Requests to one API server. Safe to share between threads; everything blocks.

    Nothing is opened before the first request.

    Args:
        load: Reads address and credentials; called again when the server refuses them.
        headers: Sent with every request, such as those of impersonation; a name may come twice.

    Raises:
        ConfigurationError: From ``load``.
    """

    def __init__(
        self, load: Callable[[], Endpoint], headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._transport = Transport(load, headers)

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
            timeout: How long to wait, in seconds.

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

    def watch(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        accept: str = "application/json",
        timeout: Timeout = (5.0, 90.0),
    ) -> Watch:
        """Prepare a watch; nothing is sent before its events are read.

        Args:
            path: Of the collection.
            params: The query, without ``watch``.
            accept: Wanted media type.
            timeout: Seconds. A connection that is silent for as long as one read may take counts as
                dead; bookmarks come about once a minute.
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

    def create(self, collection: str, body: dict[str, Any]) -> None:
        """Make an object.

        Args:
            collection: Path to make it in, absolute and already quoted.
            body: The object.

        Raises:
            Conflict: There is one of this name.
            ClusterError: It failed otherwise.
        """
        self.send("POST", collection, body, params=_FIELD_MANAGER)

    def patch(self, path: str, operations: list[Operation], resource_version: str) -> None:
        """Change an object, unless it was changed since it was read (optimistic concurrency).

        Args:
            path: Of the object, absolute and already quoted.
            operations: What to change.
            resource_version: Of the object that was read, for which the operations are made.

        Raises:
            Conflict: It was changed since.
            NotFound: It was deleted since.
            Rejected: It is as it was, and somebody does not let us change it so.
            ClusterError: It failed otherwise.
        """
        # The API server takes a resourceVersion within a patch as a precondition and answers 409.
        operations = [*operations, add_operation("/metadata/resourceVersion", resource_version)]
        try:
            self.send(
                "PATCH",
                path,
                operations,
                content_type="application/json-patch+json",
                params=_FIELD_MANAGER,
            )
        except RejectedWithoutCause as rejected:
            # Operations are tried before the precondition: they may fail because of a change.
            if self._resource_version(path) != resource_version:
                raise Conflict(f"{rejected}, as it was changed meanwhile") from rejected
            raise

    def merge(self, path: str, body: dict[str, Any], *, dry_run: bool = False) -> Answer:
        """Change some fields of an object, by a JSON Merge Patch (RFC 7396).

        Args:
            path: Of the object, absolute and already quoted.
            body: The fields that change. With ``metadata.resourceVersion``: only if the object was
                not changed since it was read.
            dry_run: Let the API server and its webhooks try it, and change nothing.

        Raises:
            Conflict: It was changed since.
            NotFound: There is no such object.
            Rejected: Somebody does not let us change it so.
            ClusterError: It failed otherwise. After :class:`Unreachable` it may have been done
                nevertheless.
        """
        return self.send(
            "PATCH",
            path,
            body,
            content_type="application/merge-patch+json",
            params={**_FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})},
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
            body: A dict, or for a JSON Patch a list; not empty.
            content_type: Its media type, as the API server has it for each kind of patch.
            params: The query.
            timeout: How long to wait, in seconds.

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

    def dial(self, path: str, timeout: float, *, anew: bool = False) -> Dialled:
        """Open a connection for what is no request and answer; see :mod:`.streams`.

        Args:
            path: Absolute and already quoted, with its query.
            timeout: How long to wait for each step of it, in seconds.
            anew: Read address and credentials first, because the server refused them.

        Raises:
            ClusterError: There is no connection.
        """
        return self._transport.dial(path, timeout, anew=anew)

    def close(self) -> None:
        """Close the connections that wait for a next request."""
        self._transport.close()

    def _resource_version(self, path: str) -> str:
        """Read which version of an object there is now."""
        body = self.get(path).body
        return answers.decode(_versioned, body, f"get {path}").metadata.resource_version

    def _ask(self, request: Request) -> Answer:
        """Send a request and read the whole answer."""
        response = self._transport.send(request)
        try:
            return Answer(response.data, answers.date(response.headers))
        except HTTPError as error:
            raise Unreachable(f"{request.what} broke off: {answers.one_line(error)}") from error


def add_operation(path: str, value: object) -> Operation:
    """Make the operation that sets a field, whether it is there or not.

    Args:
        path: JSON Pointer to the field; the object that holds it has to be there.
        value: What it becomes.

    Source:
        RFC 6902 section 4.1.
    """
    return {"op": "add", "path": path, "value": value}


def in_thread(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Call a function that blocks in a daemon thread of its own, beside the event loop.

    Args:
        function: What to call; it keeps running when the future is cancelled.
        name: The thread's name.

    Returns:
        Its result or its exception, in the running event loop.

    Raises:
        RuntimeError: The system gives no more threads.
    """
    # Not asyncio.to_thread: the threads of its pool are joined when the process ends (seen in
    # concurrent.futures.thread of Python 3.11), and a request to an API server that is gone can
    # hang for a while.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], outcome: object) -> None:
        if not future.done():  # it may have been cancelled meanwhile
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome = function()
        except Exception as error:  # noqa: BLE001  raised where the future is awaited
            post_to_loop(loop, settle, future.set_exception, error)
        else:
            post_to_loop(loop, settle, future.set_result, outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def post_to_loop(
    loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object
) -> None:
    """Call a function in an event loop from another thread, in the order of the posts.

    Args:
        loop: The event loop. Where it has been closed nothing is called: nobody is left to care.
        function: What to call.
        args: Its arguments.
    """
    # What a closed loop raises, that of asyncio (Python 3.11) as well as that of uvloop 0.23.0.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)
