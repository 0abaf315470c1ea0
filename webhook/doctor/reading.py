"""How a run reads the cluster: each thing once, whatever comes of it.

What could not be read the first time is not asked for again: every check that needs it gets the
same error, and becomes "could not tell". Once the API server does not answer at all, nothing more
is asked for.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

import msgspec

from webhook.cluster import ClusterError, NotFound, Unreachable, answers, lists
from webhook.cluster.answers import Page
from webhook.cluster.client import Client
from webhook.doctor.objects import Version

T = TypeVar("T")
_PATIENCE: Final = 5.0
"""Seconds for an API server that failed to show that it is there."""


class Reading:
    """What was read of one cluster.

    Args:
        client: Asks the API server.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._date: dt.datetime | None = None
        self._away: Unreachable | None = None
        self._kept: dict[Hashable, Any] = {}

    @property
    def version(self) -> str:
        """The API server's version, such as ``v1.36.2``."""
        told = self.one("/version", Version)
        return "" if told is None else told.git_version

    @property
    def now(self) -> dt.datetime:
        """The API server's clock, in UTC; ours where it does not tell."""
        with contextlib.suppress(ClusterError):
            _ = self.version
        return self._date or dt.datetime.now(dt.UTC)

    def listed(
        self, path: str, kind: type[T], *, accept: str = "application/json", **params: str
    ) -> list[T]:
        """List objects of a kind; see :func:`webhook.cluster.lists.pages`.

        Raises:
            ClusterError: They cannot be read.
        """

        def read() -> list[T]:
            decoder = msgspec.json.Decoder(Page[kind])  # type: ignore[valid-type]
            return [
                each
                for page in lists.pages(self.client, path, decoder, params, accept=accept)
                for each in page
            ]

        return self.remember(f"{path}?{params}", read)

    def one(self, path: str, kind: type[T]) -> T | None:
        """Read one object; ``None`` where there is none.

        Raises:
            ClusterError: It cannot be read.
        """

        def read() -> T | None:
            try:
                body = self.read(path)
            except NotFound:
                return None
            return answers.decode(msgspec.json.Decoder(kind), body, f"get {path}")

        return self.remember(path, read)

    def read(self, path: str) -> bytes:
        """Read the bytes of one answer, as they are now.

        Raises:
            ClusterError: There is none, or it is an error.
        """
        answer = lists.read(lambda: self.client.get(path))
        self._date = answer.date or self._date
        return answer.body

    def _is_there(self) -> bool:
        """Tell whether the API server answers at all, so that nothing more is waited for if not."""
        try:
            self.client.get("/version", timeout=_PATIENCE)
        except Unreachable:
            return False
        except ClusterError:
            return True
        return True

    def remember(self, key: Hashable, read: Callable[[], T]) -> T:
        """Find something out the first time that it is asked for, and remember what came of it.

        Args:
            key: Tells it from everything else.
            read: Finds it out; its :class:`ClusterError` is remembered too.
        """
        if key not in self._kept:
            if self._away is not None:
                raise self._away
            try:
                self._kept[key] = read()
            except Unreachable as error:
                self._kept[key] = error
                self._away = None if self._is_there() else error
            except ClusterError as error:
                self._kept[key] = error
        kept: T | ClusterError = self._kept[key]
        if isinstance(kept, ClusterError):
            raise kept
        return kept
