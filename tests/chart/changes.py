"""A change of every field of our configuration and our Secret, such as an admin can make."""

import copy
import dataclasses
from typing import Any, Final, Self

from tests.chart.fields import shortened
from tests.chart.helm import Json

Path = tuple[str | int, ...]


@dataclasses.dataclass(frozen=True)
class Change:
    """Other values for some fields of an object."""

    field: str
    """The first of them, as :func:`fields_of` writes it."""

    edits: tuple[tuple[Path, Any], ...]
    """Where, and what stands there afterwards; ``None``: nothing."""

    @classmethod
    def of(cls, *edits: tuple[Path, Any]) -> Self:
        """Name a change after its first edit."""
        path, _ = edits[0]
        return cls(shortened([part for part in path if isinstance(part, str)]), edits)

    def __str__(self) -> str:
        """Name it for the list of tests."""
        (path, value), *_ = self.edits
        return f"{'.'.join(map(str, path))}-{'gone' if value is None else 'set'}"

    def made(self, thing: Json) -> Json:
        """Return an object with the change."""
        changed = copy.deepcopy(thing)
        for path, value in self.edits:
            node: Any = changed
            for part in path[:-1]:
                node = node.setdefault(part, {}) if isinstance(node, dict) else node[part]
            if value is None:
                del node[path[-1]]
            else:
                node[path[-1]] = value
        return changed


FIXED: Final = {
    *("apiVersion", "kind", "type", "metadata.name", "metadata.namespace", "metadata.uid"),
    *("metadata.creationTimestamp", "metadata.selfLink"),
    *("metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds"),
}
"""Fields that nobody can change: the API server refuses it, or takes no notice."""


def entry(*path: str | int, is_now: object, but: tuple[tuple[Path, object], ...] = ()) -> Change:
    """Change one field of the entry for Services, which has every kind of field."""
    further = tuple((("webhooks", 1, *where), value) for where, value in but)
    return Change.of((("webhooks", 1, *path), is_now), *further)


OF_ENTRY = [
    entry("name", is_now="other.source-ip-webhook.io"),
    entry(
        *("clientConfig", "url"),
        is_now="https://attacker.example.org/",
        but=((("clientConfig", "service"), None),),
    ),
    entry("clientConfig", "service", "name", is_now="other"),
    entry("clientConfig", "service", "namespace", is_now="other"),
    entry("clientConfig", "service", "path", is_now="/other"),
    entry("clientConfig", "service", "port", is_now=444),
    entry("rules", 0, "apiGroups", is_now=["*"]),
    entry("rules", 0, "apiVersions", is_now=["*"]),
    entry("rules", 0, "operations", is_now=["*"]),
    entry("rules", 0, "resources", is_now=["*/*"]),
    entry("rules", 0, "scope", is_now="*"),
    entry("failurePolicy", is_now="Fail"),
    entry("matchPolicy", is_now="Exact"),
    entry("namespaceSelector", "matchLabels", is_now={"a": "b"}),
    entry("namespaceSelector", "matchExpressions", 1, "key", is_now="other"),
    entry("namespaceSelector", "matchExpressions", 1, "operator", is_now="In"),
    entry("namespaceSelector", "matchExpressions", 1, "values", is_now=["other"]),
    entry("objectSelector", "matchLabels", is_now={"a": "b"}),
    entry("objectSelector", "matchExpressions", 0, "key", is_now="other"),
    entry("objectSelector", "matchExpressions", 0, "operator", is_now="In"),
    entry("objectSelector", "matchExpressions", 0, "values", is_now=["other"]),
    entry("sideEffects", is_now="NoneOnDryRun"),
    entry("timeoutSeconds", is_now=30),
    entry("admissionReviewVersions", is_now=["v1", "v1beta1"]),
    entry("reinvocationPolicy", is_now="IfNeeded"),
    entry("matchConditions", 0, "name", is_now="other"),
    entry("matchConditions", 0, "expression", is_now="true"),
]

OWNER = {"apiVersion": "v1", "kind": "Node", "name": "a", "uid": "a"}
OF_METADATA = [
    Change.of((("metadata", "labels", "a"), "b")),
    Change.of((("metadata", "labels", "app.kubernetes.io/name"), None)),
    Change.of((("metadata", "annotations"), {"a": "b"})),
    Change.of((("metadata", "finalizers"), ["example.org/a"])),
    Change.of((("metadata", "generateName"), "a")),
    Change.of((("metadata", "ownerReferences"), [OWNER])),
]

OF_LIST = {
    "no entry": lambda webhooks: webhooks[:0],
    "one less": lambda webhooks: webhooks[:1],
    "other order": lambda webhooks: webhooks[::-1],
    "one more": lambda webhooks: [*webhooks, {**webhooks[1], "name": "a.source-ip-webhook.io"}],
}
"""Changes of the list of entries."""

OF_SECRET = [
    *OF_METADATA,
    Change.of((("data",), {"other": "YQ=="})),
    Change.of((("stringData",), {"other": "a"})),
    Change.of((("immutable",), True)),
]
