"""A certificate that needs nobody: our own authority in a Secret, published and replaced by us."""

import asyncio
from typing import Final

from webhook.certificates.clients import Clients
from webhook.certificates.lookout import Lookout
from webhook.certificates.serving import Serving
from webhook.certificates.turn import Turn
from webhook.cluster.ca_bundle import Bundles
from webhook.cluster.secret import SecretStore
from webhook.settings import Managed
from webhook.telemetry.metrics import Metrics

_POLL: Final = 10.0
"""Seconds between two looks, at most; the configuration is also watched."""

_SHORTEST_POLL: Final = 0.5
"""Seconds; where a caBundle is given no time to arrive, we still have something else to do."""


class ManagedCertificate:
    """The Secret's leaf; a :class:`webhook.certificates.Certificate`.

    Nothing is served before there is one, and what is served stays so while nobody can be asked.

    Args:
        managed: What was chosen.
        secret: Holds authority and leaf.
        bundles: Of the configuration that points to us.
        metrics: Told what becomes of them.
        clients: Who may connect; ``None``: anybody.
    """

    def __init__(
        self,
        managed: Managed,
        secret: SecretStore,
        bundles: Bundles,
        metrics: Metrics,
        clients: Clients | None = None,
    ) -> None:
        self._clients = clients
        serving = Serving(metrics, clients)
        self.context = serving.context
        """What the server listens with."""
        self._turn = Turn(managed.policy, secret, bundles, serving, metrics)
        # Often enough to see an authority arrive within the time that it is given for that.
        wait = managed.policy.propagation.total_seconds()
        poll = min(_POLL, max(_SHORTEST_POLL, wait / 2))
        self._lookout = Lookout(self._turn.take, bundles.watch, poll, metrics)

    @property
    def verified(self) -> bool:
        """See :attr:`webhook.certificates.publication.Publication.verified`."""
        return self._turn.publication.verified

    async def run(self) -> None:
        """Keep Secret, bundles and leaf as they should be until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._clients is not None:
                group.create_task(self._clients.run())
            await self._lookout.run()
