"""A world for the rotation to go wrong in: one cluster, replicas that crash, clocks that jump.

The replicas are the real ones (:class:`webhook.certificates.managed.Reconciler`); Secret and
configuration are kept here as an API server keeps them, with resourceVersions and with every way
to fail.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from certs import bundle
from certs.policy import Policy
from webhook.certificates.managed import Reconciler
from webhook.certificates.serving import ServingContext
from webhook.cluster import ClusterError, Conflict, Unreachable
from webhook.cluster.answers import ConfigurationEntry, ObservedConfiguration
from webhook.cluster.objects import CaBundleClient, ObservedSecret, SecretClient
from webhook.metrics import Metrics

POLICY = Policy(
    hosts=("webhook.source-ip.svc",),
    unit="Secret",
    propagation=dt.timedelta(seconds=30),
    overlap=dt.timedelta(seconds=600),
)
LAG = 280.0
"""Seconds that a replica may go without reconciling: twice that, and the propagation of what it
then observes for the first time, is what the overlap has to cover."""


class Fault(enum.Enum):
    """What happens to the next write of a replica."""

    NONE = enum.auto()
    LOST = enum.auto()
    """The request never arrives."""
    UNANSWERED = enum.auto()
    """It is done, and nobody is told."""
    REPEATED = enum.auto()
    """It arrives twice, as when a proxy tries again."""
    CRASH_BEFORE = enum.auto()
    CRASH_AFTER = enum.auto()


class CrashError(Exception):
    """The replica is gone."""


@dataclasses.dataclass(frozen=True)
class Version:
    """The configuration's caBundles at a time, as some API server may still see them."""

    bundles: tuple[bytes, ...]
    harmed: bool = False
    """Empty at first, or written by somebody else: then it is not for us to be verified by it."""
    replaced_at: float | None = None
    """Seconds of the steady clock; ``None``: it is the current one."""


class World:
    """The cluster."""

    def __init__(self) -> None:
        self.steady = 0.0
        self.clock = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.data: dict[str, bytes] | None = None
        self.revision = 1
        self.secret_version = self.revision
        self.versions = [Version((b"", b""), harmed=True)]
        self.configuration_version = self.revision
        self.replicas: list[Replica] = [Replica(self)]

    @property
    def bundles(self) -> tuple[bytes, ...]:
        """What is published now."""
        return self.versions[-1].bundles

    def advance(self, seconds: float) -> None:
        """Let time pass, for all clocks."""
        self.steady += seconds
        self.clock += dt.timedelta(seconds=seconds)

    def publish(self, bundles: tuple[bytes, ...], *, harmed: bool = False) -> None:
        """Change the configuration; an API server may see the old one for a while."""
        self.revision += 1
        self.configuration_version = self.revision
        past = dataclasses.replace(self.versions[-1], replaced_at=self.steady)
        self.versions = [*self.versions[:-1], past, Version(bundles, harmed=harmed)]

    def keep(self, data: Mapping[str, bytes] | None) -> None:
        """Change the Secret."""
        self.revision += 1
        self.secret_version = self.revision
        self.data = None if data is None else dict(data)

    def forget_the_past(self) -> None:
        """Let every API server see the current configuration."""
        self.versions = self.versions[-1:]

    def in_effect(self) -> list[tuple[bytes, ...]]:
        """List the bundles that some API server may verify with at this moment."""
        horizon = self.steady - POLICY.propagation.total_seconds()
        return [
            version.bundles
            for version in self.versions
            if not version.harmed and (version.replaced_at is None or version.replaced_at > horizon)
        ]

    def unverified(self, *, jumped: bool) -> list[str]:
        """List what is wrong: which served leaf is not verified by which bundle.

        Args:
            jumped: The clock has just jumped. A leaf may be out of date then, and what follows it
                is served without waiting for an API server that is late.
        """
        return [
            f"replica {index} with {bundles}"
            for index, replica in enumerate(self.replicas)
            for bundles in ([self.bundles] if jumped else self.in_effect())
            for pem in bundles
            if not (jumped and replica.out_of_date) and not replica.verified_by(pem)
        ]


class Replica:
    """One replica: the real code, between this world and its faults."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.fault = Fault.NONE
        self.interruption: Callable[[], None] | None = None
        self.reconciled_at = world.steady
        metrics = Metrics()
        self._serving = ServingContext(metrics)
        self._reconciler = Reconciler(
            POLICY,
            _Secret(world, self),
            _Bundles(world, self),
            self._serving,
            metrics,
            monotonic=lambda: world.steady,
        )

        # Judged by this world's clock instead, and by code of its own.
        self._reconciler.verification.check = lambda: None  # type: ignore[method-assign]

    @property
    def leaf(self) -> x509.Certificate | None:
        """What it serves."""
        return self._serving.leaf

    def reconcile(
        self, fault: Fault = Fault.NONE, interruption: Callable[[], None] | None = None
    ) -> bool:
        """Reconcile once; tell whether it did something.

        Args:
            fault: Happens to its write, if there is one.
            interruption: What somebody else does just before that.

        Raises:
            CrashError: It is gone.
        """
        self.fault, self.interruption = fault, interruption
        try:
            changed = self._reconciler.reconcile()
        except ClusterError:
            return True
        self.reconciled_at = self._world.steady
        return changed

    @property
    def out_of_date(self) -> bool:
        """Whether what it serves is not valid at this time, by the API server's clock."""
        return self.leaf is not None and not bundle.valid(self.leaf, self._world.clock)

    def verified_by(self, pem: bytes) -> bool:
        """Tell whether a client with this bundle accepts what it serves at this time."""
        if self.leaf is None:
            return True
        trusted = bundle.read(pem) if bundle.tidy(pem) else ()
        return not self.out_of_date and any(
            _issued(self.leaf, each) and bundle.valid(each, self._world.clock) for each in trusted
        )

    def written(self, write: Callable[[], None]) -> None:
        """Write, with what goes wrong."""
        if self.interruption is not None:
            self.interruption()
        fault = self.fault
        if fault is Fault.LOST:
            raise Unreachable("lost")
        if fault is Fault.CRASH_BEFORE:
            raise CrashError
        write()
        if fault is Fault.REPEATED:
            write()
        if fault is Fault.CRASH_AFTER:
            raise CrashError
        if fault is Fault.UNANSWERED:
            raise Unreachable("no answer")


class _Secret(SecretClient):
    """The Secret as one replica reaches it."""

    def __init__(self, world: World, replica: Replica) -> None:
        self._world = world
        self._replica = replica

    def __str__(self) -> str:
        """Name it."""
        return "Secret"

    def read(self) -> tuple[ObservedSecret | None, dt.datetime | None]:
        """Read it."""
        world = self._world
        if world.data is None:
            return None, world.clock
        return ObservedSecret(world.data, str(world.secret_version)), world.clock

    def create(self, data: Mapping[str, bytes]) -> None:
        """Make it, unless there is one."""

        def write() -> None:
            if self._world.data is not None:
                raise Conflict("there is one")
            self._world.keep(data)

        self._replica.written(write)

    def replace(self, data: Mapping[str, bytes], resource_version: str) -> None:
        """Change it, unless somebody else did."""

        def write() -> None:
            if self._world.data is None or str(self._world.secret_version) != resource_version:
                raise Conflict("it changed")
            self._world.keep(data)

        self._replica.written(write)


class _Bundles(CaBundleClient):
    """The configuration as one replica reaches it."""

    def __init__(self, world: World, replica: Replica) -> None:
        self._world = world
        self._replica = replica

    def read(self) -> tuple[ObservedConfiguration | None, dt.datetime | None]:
        """Read it."""
        world, host = self._world, POLICY.hosts[0]
        entries = tuple(
            ConfigurationEntry(str(index), host, pem) for index, pem in enumerate(world.bundles)
        )
        return ObservedConfiguration(entries, str(world.configuration_version)), world.clock

    def publish(self, published: ObservedConfiguration, bundles: Sequence[bytes]) -> None:
        """Change it, unless somebody else did."""

        def write() -> None:
            if str(self._world.configuration_version) != published.resource_version:
                raise Conflict("it changed")
            self._world.publish(tuple(bundles))

        self._replica.written(write)


def _issued(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether an authority issued a leaf; not by the code under test."""
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
