"""From a kind, as a person writes it, to its path in the API."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One resource of the API.

    Attributes:
        root: path of its group and version, such as /apis/apps/v1.
        plural: its name in paths, such as deployments.
        namespaced: whether its objects live in namespaces.
    """

    root: str
    plural: str
    namespaced: bool

    def path(self, name: str = "", namespace: str | None = None) -> str:
        """Return the path of one object, or of the collection.

        Args:
            name: the object's name; empty for the collection.
            namespace: its namespace; None for a collection across all namespaces. Not looked at
                where the resource is not namespaced.
        """
        parts = [self.root]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/".join(parts)


def index(groups: dict[str, Any]) -> dict[str, Resource]:
    """Map every lower-case spelling (kind, plural, singular, short name) to its resource.

    Where two groups share a spelling the first one has it, which is the order kubectl prefers too.

    Args:
        groups: an APIGroupDiscoveryList, apidiscovery.k8s.io/v2.
    """
    resources: dict[str, Resource] = {}
    for group in groups["items"]:
        name = group["metadata"].get("name", "")
        for version in group["versions"]:
            root = f"/apis/{name}/{version['version']}" if name else f"/api/{version['version']}"
            for entry in version.get("resources", ()):
                resource = Resource(root, entry["resource"], entry["scope"] == "Namespaced")
                for spelling in _spellings(entry):
                    resources.setdefault(spelling.lower(), resource)
    return resources


def _spellings(entry: dict[str, Any]) -> Iterator[str]:
    yield entry["resource"]
    yield entry.get("responseKind", {}).get("kind", entry["resource"])
    yield entry.get("singularResource") or entry["resource"]
    yield from entry.get("shortNames", ())
