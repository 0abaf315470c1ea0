"""RFC 6902 patches, built by hand: one ``add`` that always applies to the object it is made for.

No diff: the setting is known, so its operation is known, and comparing two copies of a pod would
cost more than everything else in the request path together. ``add`` and nothing else, because a
patch that does not apply is an error for the user even under ``failurePolicy: Ignore``
(k8s.io/apiserver, pkg/admission/plugin/webhook/mutating/dispatcher.go).
"""

import base64
from typing import Any

import msgspec


class Patch(msgspec.Struct, frozen=True, gc=False):
    """A JSON Patch document, together with the form in which an AdmissionReview carries it."""

    operations: tuple[dict[str, Any], ...]
    """The operations of the document (RFC 6902 section 3)."""

    encoded: str
    """The document as base64 of its JSON, as ``response.patch`` wants it."""


def add(*path: str, value: Any) -> Patch:
    """Make the patch that adds one member to an object whose parent exists.

    Args:
        path: Names from the document's root to the member, unescaped.
        value: What the member becomes; an existing member of that name is replaced.

    Source:
        RFC 6902 section 4.1 (add) and RFC 6901 section 3 (escaping in pointers).
    """
    operations = ({"op": "add", "path": _pointer(path), "value": value},)
    return Patch(operations, base64.b64encode(msgspec.json.encode(operations)).decode())


def _pointer(path: tuple[str, ...]) -> str:
    """Spell names as a JSON Pointer; ``~`` first, or the tilde of ``~1`` would be escaped again."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)
