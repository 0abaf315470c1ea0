"""How an audit reads a cluster: on and on, and remembering what it could not read."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec

from webhook.audit.findings import Unknown
from webhook.cluster import ClusterError, Forbidden, NotFound, Unreachable, answers, lists
from webhook.cluster.answers import Page
from webhook.cluster.client import Client

T = TypeVar("T")
_NAMESPACES: Final = "/api/v1/namespaces"
_ALL: Final = "in all namespaces"
_PATIENCE: Final = 2
"""Reads one after the other that come to nothing before the API server counts as gone: each of them
has been tried again and again already."""


class Reader:
    """Reads objects and lists of them; what fails is remembered, and ends nothing.

    An API server that is gone is not asked for the rest, which could take hours.

    Args:
        client: Asks the API server.
    """

    def __init__(self, client: Client) -> None:
        self.unknown: list[Unknown] = []
        """What could not be read, each thing once."""
        self.failures = 0
        """Reads that failed, to be compared with an earlier count."""
        self.error: ClusterError | None = None
        """What failed first."""
        self._client = client
        self._unanswered = 0

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
            page = self._try("list", resource, namespace, lambda: next(listed, None))
            if page is None:
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

        def read() -> T:
            answer = lists.read(lambda: self._client.get(path))
            return answers.decode(decoder, answer.body, f"get {path}")

        return self._try("get", resource, namespace, read)

    def tell(self, what: str, why: str) -> None:
        """Remember what cannot be told, once.

        Args:
            what: What was asked for.
            why: One sentence.
        """
        unknown = Unknown(what, why)
        if unknown not in self.unknown:
            self.unknown.append(unknown)

    def _try(
        self, verb: str, resource: str, namespace: str | None, read: Callable[[], T]
    ) -> T | None:
        """Read something; ``None`` where it is not there, or where that fails."""
        if self._unanswered >= _PATIENCE:
            self.failures += 1
            self.tell("everything else", "the API server does not answer any more: try again")
            return None
        try:
            found = read()
        except NotFound:
            found = None
        except ClusterError as error:
            self._failed(f"{resource} {_where(namespace)}".rstrip(), verb, error)
            return None
        self._unanswered = 0
        return found

    def _failed(self, what: str, verb: str, error: ClusterError) -> None:
        """Remember that something could not be read."""
        self.failures += 1
        self.error = self.error or error
        if isinstance(error, Unreachable):
            self._unanswered += 1
        why = str(error)
        if isinstance(error, Forbidden):
            why = error.refused or f"the right to {verb} {what} is missing: {error}"
        self.tell(what, why)


def refuse_no_selector(client: Client, selector: str) -> None:
    """Refuse what is no label selector, once, rather than have each list refused.

    Args:
        client: Asks the API server.
        selector: What is to be one.

    Raises:
        ClusterError: It is none, or there is no answer.
    """
    query = {"labelSelector": selector, "limit": "1"}
    try:
        lists.read(lambda: client.get(_NAMESPACES, query))
    except Forbidden:
        return  # who may not list these may list what is in one of them
    except Unreachable as error:
        if error.status != HTTPStatus.BAD_REQUEST:
            raise
        raise ClusterError(f"-l {selector!a} is no label selector: {error}") from error


def _where(namespace: str | None) -> str:
    if namespace is None:
        return ""
    return f"in namespace {namespace}" if namespace else _ALL
