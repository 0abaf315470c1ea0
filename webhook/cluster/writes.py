"""Writing with optimistic concurrency: a change counts only if nobody else made one since we read.

Source:
    Kubernetes API Conventions, "Concurrency Control and Consistency"; RFC 6902 (JSON Patch).
"""

from typing import Any, Final

import msgspec

from webhook.cluster import Conflict, Misfit, answers
from webhook.cluster.client import Client

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
