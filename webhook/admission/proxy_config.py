"""The interception modes that a ``proxy.istio.io/config`` annotation chooses.

The text is anybody's who may create a pod, and it is read while that pod waits. So it is never made
into objects, which YAML's aliases and merges could blow up and its nesting could crash: events of
the parser are looked at one by one, and what no proxy configuration needs ends the reading.
"""

from collections.abc import Iterator

import yaml  # type: ignore[import-untyped]

REDIRECT = "REDIRECT"
TPROXY = "TPROXY"
NONE = "NONE"

_FIELDS = frozenset({"interceptionMode", "interception_mode"})
"""Names of the field: YAML is read as protobuf's JSON, which takes both."""

_MODES = {mode: mode for mode in (REDIRECT, TPROXY, NONE)} | {
    str(number): mode for number, mode in enumerate((REDIRECT, TPROXY, NONE))
}
"""How a mode may be spelled: by name or by number (istio/api mesh/v1alpha1/proxy.proto)."""

_LONGEST = 8 * 1024
"""Characters; a hundred times what such a configuration has."""

_DEEPEST = 16
"""Levels of nesting; a proxy configuration has four."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableError(ValueError):
    """This is no proxy configuration that Istio could read, or none that is worth the time."""


def modes_in(written: str) -> set[str]:
    """Read the modes that a configuration chooses; none where it has no such field.

    Args:
        written: The annotation's value: YAML, and therefore JSON as well.

    Raises:
        UnreadableError: It is no mapping, has a mode that Istio does not know, or uses what only an
            attack on its reader would use.
    """
    if len(written) > _LONGEST:
        raise UnreadableError
    try:
        return {_MODES[value] for value in _values(written)}
    except (yaml.YAMLError, LookupError) as error:
        raise UnreadableError from error


def _values(written: str) -> Iterator[str]:
    """Yield the values of the field, wherever the outermost mapping has it."""
    depth, key = 0, None
    for event in yaml.parse(written, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) or key == "<<":
            raise UnreadableError
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            _expect_nesting(event, depth, key)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            key = None if depth == 1 else key
        elif isinstance(event, yaml.ScalarEvent) and depth == 1:
            if key in _FIELDS and not (not event.style and event.value in _NULL):
                yield event.value
            key = event.value if key is None else None
        elif isinstance(event, yaml.ScalarEvent) and depth == 0 and event.value not in _NULL:
            raise UnreadableError


def _expect_nesting(event: yaml.CollectionStartEvent, depth: int, key: str | None) -> None:
    """Refuse a collection where a configuration can have none."""
    outermost = depth == 1 and isinstance(event, yaml.MappingStartEvent)
    value = 1 < depth <= _DEEPEST and key is not None and key not in _FIELDS
    if not (outermost or value):
        raise UnreadableError
