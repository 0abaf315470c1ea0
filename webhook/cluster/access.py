"""Which cluster a person means, and who that person is: what kubectl's own flags say.

Source:
    Kubernetes, kubectl reference, options; Kubernetes, Authenticating, "User impersonation".
"""

import dataclasses
from functools import partial
from pathlib import Path

from webhook.cluster import ConfigurationError
from webhook.cluster.client import Client
from webhook.cluster.transport import load_configuration


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach an API server; by default as kubectl does, in a pod as its ServiceAccount."""

    kubeconfig: Path | None = None
    """The file to read; ``None``: ``$KUBECONFIG``, or else ``~/.kube/config``."""

    context: str | None = None
    """The context of that file; ``None``: its current one."""

    user: str | None = None
    """Whom to impersonate; ``None``: nobody."""

    groups: tuple[str, ...] = ()
    """The groups of that user, besides those that every user is in."""

    def connect(self) -> Client:
        """Make a client; nothing is opened before its first request.

        Raises:
            ConfigurationError: Nothing tells where the API server is, or who we are.
        """
        for name in filter(None, (self.user, *self.groups)):
            if not (name.isascii() and name.isprintable()):
                raise ConfigurationError(
                    f"Nobody can be {name!a}: names of users and groups are sent as ASCII, "
                    "without control characters."
                )
        user = [] if self.user is None else [("Impersonate-User", self.user)]
        groups = [("Impersonate-Group", group) for group in self.groups]
        load = partial(load_configuration, self.kubeconfig, self.context)
        return Client(load, (*user, *groups))
