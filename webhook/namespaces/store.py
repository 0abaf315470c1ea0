"""The labels of all namespaces, in memory, as of one revision of the cluster.

Source:
    Kubernetes API Concepts, "Resource versions": opaque to a watch, but comparable as integers
    within one resource type.

Namespaces whose opt-in label has a value that means nothing, told in the log.

The API server's selector does not match them, so no review would ever tell of the mistake.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Self

import msgspec
import structlog

from webhook.labels import Labels, Mode, mistyped

ACCEPT: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
"""The media type of a namespace without ``spec`` and ``status``, where the server has it."""


class ObjectMeta(msgspec.Struct, gc=False, rename="camel"):
    """``metadata`` of a namespace, of which we read no more than this."""

    name: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None


class Namespace(msgspec.Struct, gc=False):
    """A ``v1 Namespace``, or the ``PartialObjectMetadata`` of one."""

    metadata: ObjectMeta


class _Entry(NamedTuple):
    """One namespace."""

    labels: Labels
    revision: int

    @classmethod
    def of(cls, metadata: ObjectMeta) -> Self:
        return cls(metadata.labels or {}, _revision(metadata.resource_version))


class Store:
    """What list, watch and lookups have told; used in the event loop only."""

    def __init__(self, look: Callable[[str, Labels], None] = lambda *_: None) -> None:
        """Make a store that is empty.

        Args:
            look: Is shown the labels of a namespace as list and watch tell them; none at its end.
        """
        self._look = look
        self.resource_version = ""
        """How far list and watch have come; empty before the first list."""
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        """Count the namespaces."""
        return len(self._entries)

    def get(self, name: str) -> Labels | None:
        """Tell the labels of a namespace; ``None`` where it is not here."""
        entry = self._entries.get(name)
        return entry and entry.labels

    def replace(self, namespaces: Iterable[Namespace], resource_version: str) -> None:
        """Take over a complete list: what is not in it is gone."""
        before = self._entries
        self._entries = {each.metadata.name: _Entry.of(each.metadata) for each in namespaces}
        self.resource_version = resource_version
        for name in before.keys() - self._entries.keys():
            self._look(name, {})
        for name, entry in self._entries.items():
            self._look(name, entry.labels)

    def apply(self, event: str, namespace: Namespace) -> None:
        """Take over one event of the watch.

        Args:
            event: Its type; a ``BOOKMARK``, and any type that is yet to be invented, tells nothing
                but how far the watch has come.
            namespace: The object as of the event.
        """
        metadata = namespace.metadata
        self.resource_version = metadata.resource_version or self.resource_version
        known, told = self._entries.get(metadata.name), _Entry.of(metadata)
        if known is not None and known.revision > told.revision:
            return  # a lookup was faster than the watch
        if event in {"ADDED", "MODIFIED"}:
            self._entries[metadata.name] = told
            self._look(metadata.name, told.labels)
        elif event == "DELETED":
            self._entries.pop(metadata.name, None)
            self._look(metadata.name, {})

    def add(self, namespace: Namespace) -> None:
        """Take over a namespace that was looked up alone.

        Only if the watch has yet to come that far: otherwise the watch has told what happened
        later, and an answer that was long under way would bring a deleted namespace back for good.
        """
        told = _Entry.of(namespace.metadata)
        if told.revision > _revision(self.resource_version):
            self._entries[namespace.metadata.name] = told


def _revision(resource_version: str) -> int:
    """Make a resourceVersion comparable; what is no number came before everything."""
    return int(resource_version) if resource_version.isdecimal() else 0


log = structlog.get_logger(__name__)


class Typos:
    """Says it once for each namespace, and again where its value changes."""

    def __init__(self, label_key: str) -> None:
        """Make one that has said nothing yet.

        Args:
            label_key: Key of the label by which namespaces opt in.
        """
        self._label_key = label_key
        self._told: dict[str, str] = {}

    def look(self, name: str, labels: Labels) -> None:
        """Look at the labels of a namespace; at none once it is gone."""
        value = mistyped(labels, self._label_key)
        if value is None:
            self._told.pop(name, None)
        elif self._told.get(name) != value:
            self._told[name] = value
            log.warning(
                "namespace-label-mistyped",
                namespace=name,
                label=self._label_key,
                value=value,
                values=", ".join(Mode),
            )
