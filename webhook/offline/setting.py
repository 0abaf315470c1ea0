"""A setting in a manifest: read out of a webhook's patch, and spelled as a patch of its own.

The webhook's patch is made for a Pod. In a manifest the same setting stands deeper, in the pod
template of a workload, and there some parents may be missing that a Pod always has.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from webhook.admission import patch
from webhook.offline.workloads import Path, member


class Setting(NamedTuple):
    """One value to be set in a manifest."""

    path: Path
    """Steps from the manifest's root to the value."""
    value: str


def settings_of(operations: Sequence[Mapping[str, Any]], prefix: Path) -> tuple[Setting, ...]:
    """Read the settings out of a patch.

    Args:
        operations: ``add`` operations, which is all that this product's patches consist of.
        prefix: Where in the manifest the patched object stands: the path of a pod template.
    """
    return tuple(
        Setting(prefix + path, value)
        for operation in operations
        for path, value in _leaves(_names(operation["path"]), operation["value"])
    )


def operation(data: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
    """Make the RFC 6902 operation that puts a setting into a manifest.

    Args:
        data: The manifest.
        setting: What to set; parents that the manifest lacks become part of the operation's value.
    """
    depth = 1
    while isinstance(member(data, setting.path[:depth]), dict | list):
        depth += 1
    value = nested(setting.path[depth:], setting.value)
    return patch.add(*map(str, setting.path[:depth]), value=value).operations[0]


def nested(path: Path, value: Any) -> Any:
    """Wrap a value in one mapping per name, the first name outermost."""
    for name in reversed(path):
        value = {name: value}
    return value


def _names(pointer: str) -> tuple[str, ...]:
    """Read a JSON Pointer (RFC 6901 section 4: ``~1`` first, then ``~0``)."""
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:])


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Take a value apart into its texts, each with its path."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves((*path, name), child)
    else:
        yield path, value
