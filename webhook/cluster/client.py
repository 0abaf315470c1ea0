"""Requests to the API server.

Answers are bytes; the caller decodes what it needs. Everything here blocks: a service calls it from
a thread.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import NamedTuple

from kubernetes.client.configuration import Configuration
from urllib3.exceptions import HTTPError

from webhook.cluster import Unreachable, answers, configuration
from webhook.cluster.transport import Body, Request, Timeout, Transport
from webhook.cluster.watch import Watch


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

    def __init__(self, load: Callable[[], Configuration] = configuration.load) -> None:
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
