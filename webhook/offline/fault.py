"""What is wrong with an object, in the words of its author instead of those of the wire."""

import re
from typing import Final

from webhook.offline.workloads import Path, spelled

_AT: Final = " - at `$"
"""What stands in msgspec's errors between what is wrong and the path from the root to it."""

_WIRE: Final = re.compile(r" \| null\b| \(byte \d+\)")
"""What says nothing to the author of a manifest: a value may always be left out, and the bytes are
those of a review that we have written."""


def fault(error: Exception, owner: Path) -> str:
    """Say which field of an object is wrong, as the end of a sentence about the object.

    Args:
        error: What msgspec says about the object, or what the webhook makes of that.
        owner: Path in the manifest of the Pod's template; empty where the object is the manifest's.
    """
    words, at, place = str(error).removesuffix(".").rpartition(_AT)
    what = _WIRE.sub("", (words if at else place).rpartition(": ")[2])
    what = what[:1].lower() + what[1:]
    if not at:
        return f"is no object that the API knows: {what}."
    field = spelled(owner) + place.removesuffix("`")
    return f"has a {field.removeprefix('.')} that the API refuses: {what}."
