"""One Secret, read and written so that of two writers one learns that it was not the first."""

import datetime as dt
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from webhook.cluster import NotFound, answers, writes
from webhook.cluster.client import Client


class Stored(NamedTuple):
    """A Secret that is in the cluster."""

    data: dict[str, bytes]
    """Decoded; empty where the Secret has none."""
    resource_version: str

    def __repr__(self) -> str:
        """Keep the data out of logs and tracebacks."""
        return f"Stored({sorted(self.data)}, resource_version={self.resource_version!r})"


class _Secret(msgspec.Struct, gc=False):
    """The part of a ``v1 Secret`` that we read; msgspec decodes base64 into bytes."""

    metadata: writes.Metadata
    data: dict[str, bytes] = {}


_decoder = msgspec.json.Decoder(_Secret)


class SecretStore:
    """One Secret. Safe to share between threads; everything blocks."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        """Name the Secret; it need not be there.

        Args:
            client: May ``get`` and ``patch`` this Secret, and ``create`` Secrets in its namespace.
            namespace: Where it is.
            name: What it is called.
        """
        self._client = client
        self._namespace = namespace
        self._name = name
        self._collection = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets"
        self._path = f"{self._collection}/{quote(name, safe='')}"

    def __str__(self) -> str:
        """Name it as people do.

        Its authorities have this in their subject, by which they are known: it cannot be reworded.
        """
        return f"Secret {self._namespace}/{self._name}"

    def read(self) -> tuple[Stored | None, dt.datetime | None]:
        """Read it.

        Returns:
            The Secret, ``None`` where there is none; and the API server's clock in UTC, ``None``
            where it did not tell.

        Raises:
            ClusterError: Nobody can tell.
        """
        try:
            answer = self._client.get(self._path)
        except NotFound as missing:
            return None, missing.date
        secret = answers.decode(_decoder, answer.body, f"get {self._path}")
        return Stored(secret.data, secret.metadata.resource_version), answer.date

    def create(self, data: Mapping[str, bytes]) -> None:
        """Make it, of type ``Opaque``.

        Raises:
            Conflict: There is one.
            NotFound: There is no such namespace.
            ClusterError: It failed otherwise.
        """
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "type": "Opaque",
            "data": _encoded(data),
        }
        writes.create(self._client, self._collection, body)

    def replace(self, data: Mapping[str, bytes], resource_version: str) -> None:
        """Replace all of its data and leave labels, type and what else it has as they are.

        Args:
            data: What it has from now on.
            resource_version: Of the Secret that was read before.

        Raises:
            Conflict: It was changed since.
            NotFound: It was deleted since.
            ClusterError: It failed otherwise.
        """
        operations = [writes.add("/data", _encoded(data))]
        writes.patch(self._client, self._path, operations, resource_version)


def _encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    """Write data as JSON has it."""
    return {key: b64encode(value).decode() for key, value in data.items()}
