"""How a request gets to the API server and its answer back: what carries the bytes.

Over connections of urllib3; :mod:`webhook.cluster.access` says where to, and as whom.
"""

import contextlib
import dataclasses
import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote, urlencode

import urllib3
from urllib3 import HTTPHeaderDict, HTTPResponse, PoolManager
from urllib3.exceptions import HTTPError

from webhook import __version__
from webhook.cluster import ConfigurationError, Unreachable, answers

Timeout = float | tuple[float, float]
"""Seconds: for the whole request, or to connect and for each read."""
Body = dict[str, Any] | list[dict[str, Any]]
"""JSON: an object, or the operations of a JSON Patch."""
_GOOD: Final = {200, 201}
_UNAUTHORIZED: Final = 401


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request."""

    what: str
    """Verb and path, for errors."""

    method: str
    """Of HTTP, in capitals."""

    path: str
    """Absolute and already quoted."""

    params: Mapping[str, str]
    """The query."""

    headers: Mapping[str, str]
    """What is sent besides credentials and our name."""

    timeout: Timeout
    """How long to wait."""

    body: Body | None = dataclasses.field(default=None, repr=False)  # a Secret may be in it
    """What is sent, if anything."""


class Dialled(NamedTuple):
    """A connection on which nothing has been sent yet."""

    connection: socket.socket
    """TLS has been spoken already, where that is wanted."""

    url: str
    """What to ask for on it; ``http`` or ``https``."""

    headers: Sequence[tuple[str, str]]
    """What to say with it: credentials, our name, and what comes with every request."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An API server, and how to be somebody there."""

    host: str
    """Its URL, to which paths are appended."""

    pool: PoolManager
    """Opens and keeps connections, with all that TLS and proxies need."""

    authorization: Callable[[], Mapping[str, str]]
    """Makes the headers that say who we are, anew for each request; none with a client certificate.
    It raises ConfigurationError or OSError where there is no token just now."""


class Transport:
    """Sends requests to one API server. Safe to share between threads.

    Nothing is opened before the first request.

    Args:
        load: Reads address and credentials; called again when the server refuses them.
        headers: Sent with every request, besides credentials and our name; a name may come twice.

    Raises:
        ConfigurationError: From ``load``.
    """

    def __init__(
        self, load: Callable[[], Endpoint], headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._load = load
        self._headers = headers
        self._endpoint = load()

    def send(self, request: Request) -> HTTPResponse:
        """Send a request and return a good response, its body not read yet.

        Raises:
            ClusterError: There is no answer, or it is an error.
        """
        response = self._once(request)
        if response.status == _UNAUTHORIZED:
            # The token was rotated, and the official client never reads a kubeconfig's
            # ``tokenFile`` again by itself (kubernetes 37.0.2, kube_config.py).
            response.close()
            # The old one is not closed: another thread may be about to send with it.
            self._endpoint = self._load()
            response = self._once(request)
        if response.status in _GOOD:
            return response
        try:
            body = response.data
        except HTTPError:
            body = b""
        error = answers.error_of(
            response.status,
            answers.decode_status(body),
            request.what,
            sent=request.body is not None,
        )
        error.date = answers.date(response.headers)
        error.status = response.status
        error.retry_after = answers.retry_after(response.headers)
        raise error

    def dial(self, path: str, timeout: float, *, anew: bool = False) -> Dialled:
        """Open a connection for what is no request and answer, such as a stream.

        Args:
            path: Absolute and already quoted, with its query.
            timeout: How long to wait for each step of it, in seconds.
            anew: Read address and credentials first, because the server refused them.

        Raises:
            ClusterError: There is no connection.
        """
        if anew:
            self._endpoint = self._load()
        endpoint = self._endpoint
        with _told(f"connect {path.partition('?')[0]}"):
            url, headers = endpoint.host + path, self._headers_for(endpoint, {})
            # A connection of the pool that requests use (urllib3 2.8.0), and never given back to
            # it: so it has the same trust, the same client certificate and the same proxy.
            pool = endpoint.pool.connection_from_url(url)
            connection: Any = pool._new_conn()  # noqa: SLF001
            connection.timeout = timeout
            if pool.proxy is None:
                connection.connect()
            else:
                pool._prepare_proxy(connection)  # noqa: SLF001
        return Dialled(connection.sock, url, list(headers.items()))

    def close(self) -> None:
        """Close the connections that wait for a next request."""
        self._endpoint.pool.clear()

    def _once(self, request: Request) -> HTTPResponse:
        """Send a request once and return whatever is answered."""
        endpoint = self._endpoint
        query = f"?{urlencode(request.params, quote_via=quote)}" if request.params else ""
        patience = (
            urllib3.Timeout(connect=request.timeout[0], read=request.timeout[1])
            if isinstance(request.timeout, tuple)
            else urllib3.Timeout(total=request.timeout)
        )
        with _told(request.what):
            response = endpoint.pool.urlopen(
                request.method,
                f"{endpoint.host}{request.path}{query}",
                headers=self._headers_for(endpoint, request.headers),
                body=None if request.body is None else json.dumps(request.body).encode(),
                timeout=patience,
                # Callers pace themselves and have deadlines; a hidden retry would break both.
                # ``False`` and not 0: urllib3 2.8.0 then follows no redirect either, and raises its
                # errors unwrapped.
                retries=False,
                preload_content=False,
            )
        return cast("HTTPResponse", response)  # of which urllib3 2.8.0 tells the base alone

    def _headers_for(self, endpoint: Endpoint, headers: Mapping[str, str]) -> HTTPHeaderDict:
        """Put together what a request says besides its body."""
        every = HTTPHeaderDict({"User-Agent": f"source-ip-webhook/{__version__}", **headers})
        every.extend(endpoint.authorization())
        for name, value in self._headers:
            every.add(name, value)
        return every


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn what keeps a request from being sent or answered into one sentence.

    Args:
        what: Verb and path.

    Raises:
        Unreachable: Something does.
    """
    try:
        yield
    except (HTTPError, ConfigurationError, OSError) as error:
        # ConfigurationError and OSError: there is no token just now.
        raise Unreachable(f"{what}: {answers.one_line(error)}") from error
    except ValueError:
        # From http.client of Python 3.11, and its text quotes the Authorization header.
        raise Unreachable(f"{what}: the token does not fit into a header") from None
