"""How a request gets to the API server: where that is, who we are, and what carries the bytes.

Address and credentials come from a pod's ServiceAccount or from a kubeconfig. Requests go over the
transport of the official Python client, of which only the low-level ``ApiClient`` is used: it knows
kubeconfig, ServiceAccounts, TLS and proxies, while the generated models would cost 25 MiB.
"""

import contextlib
import dataclasses
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

# By their own modules: the package kubernetes.client loads its models when one is named (37.0.2).
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import (
    ConfigException,
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import HTTPError

from webhook import __version__
from webhook.cluster import ConfigurationError, Unreachable, answers

Timeout = float | tuple[float, float]
"""Seconds: for the whole request, or to connect and for each read."""
Body = dict[str, Any] | list[dict[str, Any]]
"""JSON: an object, or the operations of a JSON Patch."""
_Serialized = tuple[str, str, HTTPHeaderDict, str | None, list[str]]
"""What the official client's ``call_api`` takes: method, URL, headers, body, fields of a form."""
_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_GOOD: Final = {200, 201}
_UNAUTHORIZED: Final = 401
_NO_KUBECONFIG: Final = (AttributeError, KeyError, TypeError)
"""What the official client (37.0.2) raises where a file has YAML of another form."""


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
        self, load: Callable[[], Configuration], headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._load = load
        self._headers = headers
        self._api = self._connect()

    def send(self, request: Request) -> HTTPResponse:
        """Send a request and return a good response, its body not read yet.

        Raises:
            ClusterError: There is no answer, or it is an error.
        """
        response = self._once(request)
        if response.status == _UNAUTHORIZED:
            # The token was rotated. The official client reads the file again by the wall clock,
            # which may have jumped, and never where a kubeconfig has a ``tokenFile``
            # (kubernetes 37.0.2: ``refresh_api_key_hook`` of incluster_config.py, kube_config.py).
            response.close()
            # The old one is not closed: another thread may be about to send with it.
            self._api = self._connect()
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
            self._api = self._connect()
        request = Request(
            what=f"connect {path.partition('?')[0]}",
            method="GET",
            path=path,
            params={},
            headers={},
            timeout=timeout,
        )
        api = self._api
        with _told(request.what):
            _, url, headers, *_ = self._serialize(api, request)
            # A connection of the pool that requests use (urllib3 2.8.0), and never given back to
            # it: so it has the same trust, the same client certificate and the same proxy.
            pool = api.rest_client.pool_manager.connection_from_url(url)
            connection: Any = pool._new_conn()  # noqa: SLF001
            connection.timeout = timeout
            if pool.proxy is None:
                connection.connect()
            else:
                pool._prepare_proxy(connection)  # noqa: SLF001
        return Dialled(connection.sock, url, list(headers.items()))

    def close(self) -> None:
        """Close the connections that wait for a next request."""
        self._api.close()  # type: ignore[no-untyped-call]

    def _connect(self) -> ApiClient:
        """Make a connection pool from the configuration as it is now."""
        current = self._load()
        # Callers pace themselves and have deadlines; a hidden retry would break both. ``False`` and
        # not 0: urllib3 2.8.0 then follows no redirect either, and raises its errors unwrapped.
        current.retries = False
        # TCP keep-alive, so that a watch whose peer is gone does not depend on its timeout alone.
        current.keep_alive = True
        api = ApiClient(current)
        api.user_agent = f"source-ip-webhook/{__version__}"
        return api

    def _once(self, request: Request) -> HTTPResponse:
        """Send a request once and return whatever is answered."""
        # As the generated API classes do it (kubernetes 37.0.2): param_serialize puts URL, headers
        # and credentials together, call_api sends them. Neither looks at the HTTP status or reads
        # the body; the generated classes do that afterwards, with response_deserialize.
        api = self._api
        with _told(request.what):
            answer = api.call_api(*self._serialize(api, request), _request_timeout=request.timeout)
        # Under the client's own wrapper, because that cannot be iterated over or shut down.
        response: HTTPResponse = answer.response
        return response

    def _serialize(self, api: ApiClient, request: Request) -> _Serialized:
        """Put URL, headers and credentials together: method, URL, headers, body and parameters."""
        method, url, headers, body, form = api.param_serialize(
            request.method,
            request.path,
            # A list and a dict of our own: credentials are added to them in place.
            query_params=list(request.params.items()),
            header_params=dict(request.headers),
            # A JSON Patch has to be a list: of anything else the client changes the media type.
            body=request.body,
            # Without it neither the token is sent nor the hook called that reads it again.
            auth_settings=["BearerToken"],
        )
        # Not among header_params, of which each name is sent once.
        every = HTTPHeaderDict(headers)
        for name, value in self._headers:
            every.add(name, value)
        return method, url, every, body, form


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
    except ApiException as error:  # what kubernetes 37.0.2 makes of a failed TLS handshake
        raise Unreachable(f"{what}: {answers.one_line(error.reason)}") from error
    except (HTTPError, ConfigException, OSError) as error:
        # ConfigException and OSError: the hook could not read the token's file.
        raise Unreachable(f"{what}: {answers.one_line(error)}") from error
    except ValueError:
        # From http.client of Python 3.11, and its text quotes the Authorization header.
        raise Unreachable(f"{what}: the token does not fit into a header") from None


def load_configuration(kubeconfig: Path | None = None, context: str | None = None) -> Configuration:
    """Read address and credentials as they are now.

    Args:
        kubeconfig: Read this file and nothing else. ``None``: the ServiceAccount of the pod that we
            run in, or else ``$KUBECONFIG``, or else ``~/.kube/config``.
        context: The context of the kubeconfig to use; a ServiceAccount has none, and is not tried
            where one is named. ``None``: the current one.

    Raises:
        ConfigurationError: None of them can be used.
    """
    reasons = []
    for source, fill in _sources(kubeconfig, context):
        configuration = Configuration()
        try:
            fill(client_configuration=configuration)
        except _NO_KUBECONFIG:  # whose words are of Python, and not of the file
            reasons.append(f"{source}: it is no kubeconfig")
        except Exception as error:  # noqa: BLE001  depends on how a file is no kubeconfig
            reasons.append(f"{source}: {answers.one_line(error).rstrip('.')}")
        else:
            return configuration
    advice = (
        "run in a pod that has a ServiceAccount token, or name a kubeconfig with the variable "
        "KUBECONFIG"
        if kubeconfig is None and context is None
        else "name another kubeconfig (--kubeconfig) or another context of it (--context)"
    )
    raise ConfigurationError(
        f"Cannot tell where the API server is ({'; '.join(reasons)}): {advice}."
    )


def own_namespace() -> str:
    """Tell which namespace is ours: the pod's, or the one that the kubeconfig's context names.

    Source:
        Kubernetes, "Accessing the Kubernetes API from a Pod".
    """
    try:
        return _POD_NAMESPACE.read_text().strip()
    except OSError:
        pass
    file = os.environ.get("KUBECONFIG")
    try:
        _, current = list_kube_config_contexts(config_file=file)  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001  depends on how a file is no kubeconfig; loading says it
        return "default"
    name: str = current["context"].get("namespace", "default")
    return name


def _sources(kubeconfig: Path | None, context: str | None) -> list[tuple[str, Callable[..., Any]]]:
    """List what to try, in order, and by which name an error calls it."""
    path = os.fspath(kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")
    # persist_config: by default the client writes refreshed tokens into the user's file (37.0.2).
    file = partial(load_kube_config, config_file=path, context=context, persist_config=False)
    sources: list[tuple[str, Callable[..., Any]]] = [(f"kubeconfig {path}", file)]
    if kubeconfig is None and context is None:
        sources.insert(0, ("ServiceAccount", load_incluster_config))
    return sources
