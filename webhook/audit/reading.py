"""How an audit reads a cluster: on and on, and remembering what it could not read."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from webhook.audit.findings import Unknown
from webhook.cluster import ClusterError, Forbidden, NotFound, answers, lists
from webhook.cluster.client import Client
from webhook.cluster.reflector import Page

T = TypeVar("T")
_ALL: Final = "in all namespaces"


class Reader:
    """Reads objects and lists of them; what fails is remembered, and ends nothing.

    Args:
        client: Asks the API server.
    """

    def __init__(self, client: Client) -> None:
        self.unknown: list[Unknown] = []
        """What could not be read, each thing once."""
        self.error: ClusterError | None = None
        """What failed first."""
        self._client = client

    def pages(
        self,
        resource: str,
        path: str,
        decoder: msgspec.json.Decoder[Page[T]],
        *,
        namespace: str | None = None,
        params: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> Iterator[list[T]]:
        """Read a list page by page; it ends early where somebody has to know why.

        Args:
            resource: What is listed, in the plural as in a Role: ``pods``.
            path: Of the collection.
            decoder: Decodes a page.
            namespace: Where; empty: in all namespaces; ``None``: what has no namespace.
            params: The query, such as ``labelSelector``.
            accept: Wanted media type.

        Yields:
            The objects of each page; nothing where the cluster has no such resource.
        """
        listed = lists.pages(self._client, path, decoder, params, accept=accept)
        while True:
            try:
                page = next(listed)
            except (StopIteration, NotFound):
                return
            except ClusterError as error:
                self.failed("list", resource, _where(namespace), error)
                return
            yield page

    def one(
        self,
        resource: str,
        path: str,
        decoder: msgspec.json.Decoder[T],
        *,
        namespace: str | None = None,
    ) -> T | None:
        """Read an object; ``None`` where it is not there, or cannot be read.

        Args:
            resource: What it is one of, in the plural as in a Role.
            path: Of the object.
            decoder: Decodes it.
            namespace: Where; ``None``: what has no namespace.
        """
        try:
            answer = lists.read(lambda: self._client.get(path))
            return answers.decode(decoder, answer.body, f"get {path}")
        except NotFound:
            return None
        except ClusterError as error:
            self.failed("get", resource, _where(namespace), error)
            return None

    def failed(self, verb: str, resource: str, where: str, error: ClusterError) -> None:
        """Remember that something could not be read.

        Args:
            verb: ``get`` or ``list``.
            resource: In the plural, as in a Role.
            where: ``in namespace shop``; empty for what has no namespace.
            error: Why.
        """
        self.error = self.error or error
        right = f"{verb} {resource} {where}".rstrip()
        why = f"the right to {right} is missing" if isinstance(error, Forbidden) else "it failed"
        self.tell(f"{resource} {where}".rstrip(), f"{why}: {error}")

    def tell(self, what: str, why: str) -> None:
        """Remember what cannot be told, once.

        Args:
            what: What was asked for.
            why: One sentence.
        """
        unknown = Unknown(what, why)
        if unknown not in self.unknown:
            self.unknown.append(unknown)


def _where(namespace: str | None) -> str:
    if namespace is None:
        return ""
    return f"in namespace {namespace}" if namespace else _ALL
