"""HTTP access to an API server, with the token of one user."""

import dataclasses
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3

from tests.controlplane.resources import Resource, index

JsonObject = dict[str, Any]

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class ApiError(Exception):
    """The API server answered with an error.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, request: str, response: urllib3.BaseHTTPResponse) -> None:
        """Describe `response`, the answer to `request`."""
        super().__init__(f"{request}: {response.status} {response.data.decode(errors='replace')}")
        self.status = response.status


class ApiClient:
    """Requests to one API server as one user. Safe to share between threads.

    Attributes:
        server: URL without a path; may be changed.
        ca_file: PEM file that verifies the server.
    """

    def __init__(self, server: str, ca_file: Path, token: str) -> None:
        """Make a client; nothing is opened before the first request.

        Args:
            server: URL without a path.
            ca_file: PEM file that verifies the server; read when a connection is opened.
            token: bearer token of the user.
        """
        self.server = server
        self.ca_file = ca_file
        self._token = token
        self._pool = urllib3.PoolManager(ca_certs=str(ca_file), maxsize=64, retries=False)
        self._resources: dict[str, Resource] = {}

    def close(self) -> None:
        """Close the connections that are open."""
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        body: JsonObject | list[JsonObject] | bytes | None = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout_seconds: float = 30.0,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request, once, and return whatever is answered, errors included.

        Args:
            method: HTTP method.
            path: path and query.
            body: sent as JSON unless it is bytes.
            content_type: of the body, such as application/merge-patch+json.
            accept: wanted type of the answer.
            timeout_seconds: for connecting, and again for each read.

        Raises:
            urllib3.exceptions.HTTPError: no answer was received.
        """
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self._pool.request(
            method, self.server + path, body=data, headers=headers, timeout=timeout_seconds
        )

    def json(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        accept: str = "application/json",
    ) -> JsonObject:
        """Send one request and return the JSON object it is answered with.

        Raises:
            ApiError: the answer is an error.
            urllib3.exceptions.HTTPError: no answer was received.
        """
        response = self.request(method, path, body, accept=accept)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(f"{method} {path}", response)
        answer: JsonObject = response.json()
        return answer

    def apply(self, thing: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Apply an object and return what is, or would be, stored.

        As ``kubectl apply --server-side --force-conflicts --validate=strict`` does, which takes
        most of a second to start and to read the API's schemas.

        Args:
            thing: a whole manifest; without a namespace it goes into default.
            dry_run: whether nothing is stored.

        Raises:
            ApiError: it was refused, also for a field that the API does not know.
            LookupError: there is no such kind.
        """
        version, metadata = thing["apiVersion"], thing["metadata"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        resource = dataclasses.replace(self._resource(thing["kind"]), root=root)
        path = resource.path(metadata["name"], metadata.get("namespace", "default"))
        query = "fieldManager=tests&force=true&fieldValidation=Strict"
        if dry_run:
            query += "&dryRun=All"
        content_type = "application/apply-patch+yaml"
        response = self.request("PATCH", f"{path}?{query}", thing, content_type=content_type)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(f"apply {path}", response)
        stored: JsonObject = response.json()
        return stored

    def get(self, kind: str, name: str, namespace: str = "default") -> JsonObject:
        """Return one object.

        Args:
            kind: as kubectl takes it: "Pod", "pods", "po".
            name: the object's name.
            namespace: not looked at where the kind has none.

        Raises:
            ApiError: there is no such object (status 404), or another error.
            LookupError: there is no such kind.
        """
        return self.json("GET", self._resource(kind).path(name, namespace))

    def find(self, kind: str, name: str, namespace: str = "default") -> JsonObject | None:
        """Return one object like `get`, or None where it does not exist."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def items(self, kind: str, namespace: str | None = None) -> list[JsonObject]:
        """Return all objects of a kind.

        Args:
            kind: as in `get`.
            namespace: None for all namespaces.

        Raises:
            ApiError: the answer is an error.
            LookupError: there is no such kind.
        """
        items: list[JsonObject] = self.json("GET", self._resource(kind).path("", namespace))[
            "items"
        ]
        return items

    def service_account_token(
        self, name: str, namespace: str = "default", *, lifetime_seconds: int = 3600
    ) -> str:
        """Return a new token of a ServiceAccount, from the TokenRequest API.

        Args:
            name: the ServiceAccount's name.
            namespace: its namespace.
            lifetime_seconds: how long the token is valid, 600 at least.

        Raises:
            ApiError: there is no such ServiceAccount, or another error.
        """
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": lifetime_seconds},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        token: str = self.json("POST", path, body)["status"]["token"]
        return token

    def _resource(self, kind: str) -> Resource:
        """Return a kind's resource; the server is asked again for a kind it did not have before."""
        spelling = kind.lower()
        if spelling not in self._resources:
            core = self.json("GET", "/api", accept=_DISCOVERY)
            others = self.json("GET", "/apis", accept=_DISCOVERY)
            self._resources = {**index(others), **index(core)}
        try:
            return self._resources[spelling]
        except KeyError:
            raise LookupError(f"the API server has no kind {kind!r}") from None
