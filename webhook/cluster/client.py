"""Requests to the API server, over the transport of the official client.

Only its low-level ``ApiClient`` is used: it knows kubeconfig, ServiceAccounts, TLS and proxies,
while the generated models would cost 25 MiB. Answers are bytes; the caller decodes what it needs.
Everything here blocks: a service calls it from a thread.
"""

from collections.abc import Callable, Mapping
from typing import Final

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from webhook import __version__
from webhook.cluster import Unreachable, answers, configuration
from webhook.cluster.watch import Watch

Timeout = float | tuple[float, float]
"""Seconds: for the whole request, or to connect and for each read."""

_OK: Final = 200
_UNAUTHORIZED: Final = 401


class Client:
    """Requests to one API server. Safe to share between threads."""

    def __init__(self, load: Callable[[], Configuration] = configuration.load) -> None:
        """Make a client; nothing is opened before the first request.

        Args:
            load: Reads address and credentials; called again when the server refuses them.

        Raises:
            ConfigurationError: From ``load``.
        """
        self._load = load
        self._api = self._connect()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        timeout: Timeout = 10.0,
    ) -> bytes:
        """Read one object, or one page of a list.

        Args:
            path: Absolute and already quoted, such as ``/api/v1/namespaces``.
            params: The query.
            accept: Wanted media type.
            timeout: How long to wait.

        Raises:
            ClusterError: There is no answer, or it is an error.
        """
        what = f"get {path}"
        response = self._send(what, path, params or {}, accept, timeout)
        try:
            return response.data
        except HTTPError as error:
            raise Unreachable(f"{what} broke off: {answers.sentence(error)}") from error

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
        what, query = f"watch {path}", {**params, "watch": "true"}
        return Watch(what, lambda: self._send(what, path, query, accept, timeout))

    def close(self) -> None:
        """Close the connections that wait for a next request."""
        self._api.close()  # type: ignore[no-untyped-call]

    def _connect(self) -> ApiClient:
        """Make a transport from the configuration as it is now."""
        current = self._load()
        # Callers pace themselves and have deadlines; a hidden retry would break both.
        current.retries = False
        current.keep_alive = True
        api = ApiClient(current)
        api.user_agent = f"source-ip-webhook/{__version__}"
        return api

    def _send(
        self, what: str, path: str, params: Mapping[str, str], accept: str, timeout: Timeout
    ) -> HTTPResponse:
        """Send a GET and return a good response, its body not read yet."""
        response = self._request(what, path, params, accept, timeout)
        if response.status == _UNAUTHORIZED:
            # The token was rotated. The official client reads it again by the wall clock, which may
            # have jumped, and never where a kubeconfig names a token file.
            response.close()
            self._api = self._connect()
            response = self._request(what, path, params, accept, timeout)
        if response.status == _OK:
            return response
        try:
            body = response.data
        except HTTPError:
            body = b""
        raise answers.error_of(response.status, answers.status(body), what)

    def _request(
        self, what: str, path: str, params: Mapping[str, str], accept: str, timeout: Timeout
    ) -> HTTPResponse:
        """Send a GET once and return whatever is answered."""
        api = self._api
        try:
            request = api.param_serialize(
                "GET",
                path,
                query_params=list(params.items()),
                header_params={"Accept": accept},
                auth_settings=["BearerToken"],  # this is what calls the token's refresh hook
            )
            response: HTTPResponse = api.call_api(*request, _request_timeout=timeout).response
        except ApiException as error:  # what it makes of a failed TLS handshake
            raise Unreachable(f"{what}: {answers.sentence(error.reason)}") from error
        except (HTTPError, ConfigException, OSError) as error:
            raise Unreachable(f"{what}: {answers.sentence(error)}") from error
        except ValueError:
            # From http.client, and its text quotes the Authorization header.
            raise Unreachable(f"{what}: the token does not fit into a header") from None
        return response
