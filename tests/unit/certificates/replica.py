"""A replica: its reconciler, with fakes around it."""

from certs.contents import Contents
from certs.policy import Policy
from tests.unit.certificates.cluster import FakeBundles, FakeSecret
from webhook.certificates.managed import Reconciler
from webhook.certificates.serving import ServingContext
from webhook.metrics import Metrics


class Replica:
    """A reconciler with its fakes, and a monotonic clock that the test moves."""

    def __init__(
        self,
        policy: Policy,
        serving: ServingContext,
        metrics: Metrics,
        bundles: FakeBundles | None = None,
    ) -> None:
        self.secret = FakeSecret("tls" if bundles is None else "other")
        self.bundles = bundles or FakeBundles(b"", b"")
        self.seconds = 0.0
        self.serving = serving
        self.reconciler = Reconciler(
            policy, self.secret, self.bundles, serving, metrics, monotonic=lambda: self.seconds
        )

    def settle(self) -> None:
        """Reconcile until there is nothing to do."""
        while self.reconciler.reconcile():
            pass

    def verified(self) -> bool:
        """Tell whether a handshake ended well."""
        return self.reconciler.verification.verified

    @property
    def contents(self) -> Contents:
        """What the Secret holds."""
        contents = Contents.load(self.secret.data or {})
        assert contents is not None
        return contents
