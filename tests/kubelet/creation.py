"""One Pod after the other, made or made as if."""

import json
import secrets
from dataclasses import dataclass
from http import HTTPStatus

import urllib3

from tests.controlplane import ControlPlane

_TIMEOUT_SECONDS = 35.0
"""More than any webhook's: what fails, fails for the API server and not for its client."""


@dataclass(frozen=True)
class Outcome:
    """What became of one request.

    Attributes:
        status: HTTP status; 0 where there was no answer.
        error: the API server's or the client's words; empty if there is a Pod.
        patched: whether the annotation is on the Pod.
    """

    status: int
    error: str
    patched: bool


class Creator:
    """Creates Pods as a cluster admin. Safe to share between threads."""

    def __init__(
        self,
        plane: ControlPlane,
        namespace: str,
        *,
        connections: int,
        dry_run: bool,
        annotation: tuple[str, str],
    ) -> None:
        """Describe what is to be created; nothing is sent yet.

        Args:
            plane: the control plane, which runs.
            namespace: where to create Pods.
            connections: most connections at a time; they are kept alive.
            dry_run: whether the API server only acts as if.
            annotation: name and value that a patched Pod has.
        """
        self._name = f"load-{secrets.token_hex(3)}"
        self._annotation = annotation
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._create = f"{self._pods}?dryRun=All" if dry_run else self._pods
        self._pool = urllib3.connectionpool.connection_from_url(
            plane.server,
            maxsize=connections,
            block=True,
            retries=False,  # one request, one result: a second try would hide a failure
            timeout=_TIMEOUT_SECONDS,
            ca_certs=str(plane.ca_file),
            headers={
                "Authorization": f"Bearer {plane.admin_token}",
                "Content-Type": "application/json",
            },
        )

    def create(self, number: int) -> Outcome:
        """Create one Pod.

        Args:
            number: makes its name another one than all others.
        """
        try:
            answer = self._pool.request("POST", self._create, body=self._body(number))
        except urllib3.exceptions.HTTPError as failure:
            return Outcome(0, repr(failure), patched=False)
        if answer.status != HTTPStatus.CREATED:
            return Outcome(answer.status, _words(answer.data), patched=False)
        name, value = self._annotation
        annotations = answer.json()["metadata"].get("annotations", {})
        return Outcome(answer.status, "", patched=annotations.get(name) == value)

    def delete(self) -> None:
        """Delete all Pods that were stored so far; they were never bound, and go at once."""
        self._pool.request("DELETE", f"{self._pods}?labelSelector=load={self._name}", body=b"{}")

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _body(self, number: int) -> bytes:
        container = {"name": "load", "image": "registry.example.org/load"}
        pod = {
            "metadata": {"name": f"{self._name}-{number}", "labels": {"load": self._name}},
            "spec": {"containers": [container]},
        }
        return json.dumps(pod).encode()


def _words(body: bytes) -> str:
    """Return the message of a Status; a body that is none, such as a proxy's, as it is."""
    try:
        message: str = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
    return message
