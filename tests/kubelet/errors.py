"""What this harness does not do, said aloud."""

from collections.abc import Collection, Mapping
from typing import Any


class UnsupportedError(Exception):
    """A Pod asks for something that nobody plays here; the message says for what and where."""


class ContainerConfigError(Exception):
    """A container that no kubelet would start either, until its spec or the cluster changes."""


class VolumeNotReadyError(Exception):
    """A volume's Secret or ConfigMap is not there yet; a kubelet waits for it."""


class PrivilegeMissingError(Exception):
    """The test run may not do what a node does; the message says what it lacks."""


def refuse_unknown(fields: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse settings that would otherwise have no effect and let a test prove nothing.

    Args:
        fields: a part of a Pod's spec.
        known: names of the fields that have an effect here, or could have none.
        where: names the part, such as "container web".

    Raises:
        UnsupportedError: there is a field of another name.
    """
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UnsupportedError(f"{where}: nobody plays {', '.join(unknown)} here")
