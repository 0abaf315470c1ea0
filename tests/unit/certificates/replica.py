"""A replica: its turns, with fakes around them."""

from certs.contents import Contents
from certs.policy import Policy
from tests.unit.certificates.cluster import FakeBundles, FakeSecret
from webhook.certificates.managed import Turn
from webhook.certificates.serving import Serving
from webhook.metrics import Metrics


class Replica:
    """A turn with its fakes, and a monotonic clock that the test moves."""

    def __init__(
        self,
        policy: Policy,
        serving: Serving,
        metrics: Metrics,
        bundles: FakeBundles | None = None,
    ) -> None:
        self.secret = FakeSecret("tls" if bundles is None else "other")
        self.bundles = bundles or FakeBundles(b"", b"")
        self.seconds = 0.0
        self.serving = serving
        self.turn = Turn(
            policy, self.secret, self.bundles, serving, metrics, steady=lambda: self.seconds
        )

    def settle(self) -> None:
        """Take turns until there is nothing to do."""
        while self.turn.take():
            pass

    def verified(self) -> bool:
        """Tell whether a handshake ended well."""
        return self.turn.publication.verified

    @property
    def contents(self) -> Contents:
        """What the Secret holds."""
        contents = Contents.load(self.secret.data or {})
        assert contents is not None
        return contents
