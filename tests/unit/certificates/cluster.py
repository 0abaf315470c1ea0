"""A Secret and a configuration in memory, as one API server keeps them; each can refuse."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from webhook.cluster import ClusterError, Conflict
from webhook.cluster.answers import ConfigurationEntry, Event, ObservedConfiguration, Watch
from webhook.cluster.objects import CaBundleClient, ObservedSecret, SecretClient

HOST = "webhook.source-ip.svc"


class FakeSecret(SecretClient):
    """One Secret, which is not there at first.

    Args:
        name: What it is called.

    Attributes:
        data: What it holds; ``None``: it is not there.
        clock: The API server's; ``None``: it does not tell.
        error: Raised instead of an answer.
        writes: How often it was written.
    """

    def __init__(self, name: str = "tls") -> None:
        self.name = name
        self.data: dict[str, bytes] | None = None
        self.clock: dt.datetime | None = None
        self.error: ClusterError | None = None
        self.writes = 0

    def __str__(self) -> str:
        """Name it."""
        return f"Secret source-ip/{self.name}"

    def read(self) -> tuple[ObservedSecret | None, dt.datetime | None]:
        """Read it."""
        if self.error is not None:
            raise self.error
        if self.data is None:
            return None, self.clock
        return ObservedSecret(self.data, str(self.writes)), self.clock

    def create(self, data: Mapping[str, bytes]) -> None:
        """Make it."""
        if self.data is not None:
            raise Conflict("there is one")
        self._write(data)

    def replace(self, data: Mapping[str, bytes], resource_version: str) -> None:
        """Change it."""
        if resource_version != str(self.writes):
            raise Conflict("it changed")
        self._write(data)

    def _write(self, data: Mapping[str, bytes]) -> None:
        self.data = dict(data)
        self.writes += 1


class FakeBundles(CaBundleClient):
    """One configuration.

    Args:
        bundles: The caBundle of each entry at first.

    Attributes:
        bundles: One for each entry; ``None``: there is no configuration.
        error: Raised instead of an answer to a read.
        refusal: Raised instead of an answer to a write.
        reads: How often it was read.
        writes: How often it was written.
        changed: Set to wake whoever watches.
        clock: The API server's; ``None``: it does not tell.
    """

    def __init__(self, *bundles: bytes) -> None:
        self.bundles: tuple[bytes, ...] | None = bundles
        self.error: ClusterError | None = None
        self.refusal: ClusterError | None = None
        self.reads = self.writes = 0
        self.changed = threading.Event()
        self.clock: dt.datetime | None = None
        self.watch_error: ClusterError | None = None

    def read(self) -> tuple[ObservedConfiguration | None, dt.datetime | None]:
        """Read it."""
        self.reads += 1
        if self.error is not None:
            raise self.error
        if self.bundles is None:
            return None, self.clock
        entries = tuple(
            ConfigurationEntry(f"entry-{i}", HOST, pem) for i, pem in enumerate(self.bundles)
        )
        writers = ("somebody 2015-10-21T07:28:00Z",)
        return ObservedConfiguration(entries, "1", writers), self.clock

    def publish(self, _published: ObservedConfiguration, bundles: Sequence[bytes]) -> None:
        """Change it."""
        if self.refusal is not None:
            raise self.refusal
        self.bundles = tuple(bundles)
        self.writes += 1

    def watch(self) -> Watch:
        """Watch it."""
        return _FakeWatch(self)


class _FakeWatch(Watch):
    """Tells of a change whenever the test says so, and of a bookmark before that."""

    def __init__(self, bundles: FakeBundles) -> None:
        self._bundles = bundles
        self._ended = False

    def events(self, opened: Callable[[], None]) -> Iterator[Event]:
        """Yield events until closed."""
        if self._bundles.watch_error is not None:
            raise self._bundles.watch_error
        opened()
        yield Event("BOOKMARK", b"")  # type: ignore[arg-type]
        while not self._ended:
            if self._bundles.changed.wait(0.01):
                self._bundles.changed.clear()
                yield Event("MODIFIED", b"")  # type: ignore[arg-type]

    def close(self) -> None:
        """End the events."""
        self._ended = True
