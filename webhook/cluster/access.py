"""Which cluster a person means, and who that person is: what kubectl's own flags say.

Source:
    Kubernetes, kubectl reference, options; Kubernetes, Authenticating, "User impersonation".
"""

import dataclasses
from functools import partial
from pathlib import Path

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
    """The groups of that user; one at most, as the official client sends a header once."""

    def connect(self) -> Client:
        """Make a client; nothing is opened before its first request.

        Raises:
            ConfigurationError: Nothing tells where the API server is, or who we are.
        """
        headers = {}
        if self.user is not None:
            headers["Impersonate-User"] = self.user
        if self.groups:
            headers["Impersonate-Group"] = self.groups[0]
        return Client(partial(load_configuration, self.kubeconfig, self.context), headers)
