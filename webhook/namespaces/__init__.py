"""Where the labels of namespaces come from.

The answer to "did this namespace opt in?" has to be right and has to cost nothing in the request
path. So a source keeps all labels in memory, and asks the API server only in the two cases that
:class:`Namespaces` names: a namespace that is not in memory, and one that has not opted in.
"""

from typing import Protocol

from webhook.labels import Labels


class Namespaces(Protocol):
    """A source of namespace labels."""

    @property
    def known(self) -> bool:
        """Whether labels can be told at all: the webhook is not ready before."""

    def remembered(self, name: str) -> Labels | None:
        """Tell the labels of a namespace from memory alone; ``None`` where it is not there."""

    async def labels(self, name: str) -> Labels | None:
        """Tell the labels of a namespace.

        From memory. Only a namespace that is not there costs a request, at most one in a second for
        each namespace.

        Returns:
            The labels, empty where there is no such namespace; ``None`` where nobody could tell.
        """

    async def confirm(self, name: str) -> Labels | None:
        """Tell the labels of a namespace that, by :meth:`labels`, has not opted in.

        The API server called us, so its ``namespaceSelector`` matched: either the selector is wrong
        or the label is so new that our watch has not seen it. One short request tells, at most one
        in a few seconds for each namespace, so that a wrong selector cannot turn into load.

        Returns:
            As for :meth:`labels`.
        """

    async def run(self) -> None:
        """Keep the labels current until cancelled; never raises for what the cluster does."""
