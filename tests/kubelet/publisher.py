"""What the API server is told about one Pod."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from tests.controlplane.api import ApiClient, ApiError
from tests.kubelet import status
from tests.kubelet.restarts import timestamp

JsonObject = dict[str, Any]

_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}


class Publisher:
    """Publishes a Pod's status where it changes, and its end.

    What it writes is for this very Pod: one of the same name that came after it is left alone.
    """

    def __init__(self, api: ApiClient, pod: Mapping[str, Any], addresses: JsonObject) -> None:
        """Know what the API server knows.

        Args:
            api: access as a cluster admin.
            pod: the Pod.
            addresses: the parts of its status that hold its addresses and those of its Node.
        """
        self._api = api
        self._addresses = addresses
        self._published: JsonObject = pod["status"]
        self._uid: str = pod["metadata"]["uid"]
        self._path = "/api/v1/namespaces/{namespace}/pods/{name}".format(**pod["metadata"])

    def publish(self, containers: list[JsonObject], now: float) -> None:
        """Publish a Pod's status, unless it is what was published last.

        Args:
            containers: the status of each container.
            now: in seconds since the epoch.

        Raises:
            ApiError: the API server refused.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        wanted = status.of_pod(containers, self._published, self._addresses, timestamp(now))
        if wanted == self._published:
            return
        body = {"metadata": {"uid": self._uid}, "status": wanted}
        self._send("PATCH", f"{self._path}/status", body)
        self._published = wanted

    def delete(self) -> None:
        """Let the API server forget the Pod, whose containers have ended.

        Raises:
            ApiError: the API server refused.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        self._send(
            "DELETE",
            self._path,
            {"gracePeriodSeconds": 0, "preconditions": {"uid": self._uid}},
        )

    def _send(self, method: str, path: str, body: JsonObject) -> None:
        content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self._api.request(method, path, body, content_type=content_type)
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.status not in _GONE:
            raise ApiError(f"{method} {path}", answer)
