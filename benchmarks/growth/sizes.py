"""Reviews of any size, in the shapes that large objects have.

The API server takes requests of 3 MiB. What makes a review larger is its encoder, which writes each
of the characters ``<``, ``>`` and ``&`` as six bytes: a Pod of 3 MB full of them arrives as 18 MB.

Source:
    k8s.io/apiserver pkg/server/config.go, MaxRequestBodyBytes; Go encoding/json, SetEscapeHTML.
"""

import copy
import json
from collections.abc import Callable
from typing import Final

from benchmarks.reviews import REVIEWS, Review
from tests.reviews import Json

CONTAINERS: Final = "containers"
"""As many containers as Istio's proxy is, with the fields that their creator owns."""
TEXT: Final = "text"
"""One long value of a container's environment."""
ESCAPED: Final = "escaped"
"""The same of characters that are escaped: the only shape in which an API server sends 18 MB."""
ANNOTATIONS: Final = "annotations"
"""Many annotations of a few hundred bytes; Kubernetes allows 256 KiB of them on a stored object."""
LARGEST: Final = 18_000_000
"""Bytes of the largest review that is measured."""
_ESCAPES: Final = {b"<": b"\\u003c", b">": b"\\u003e", b"&": b"\\u0026"}
_ANNOTATION: Final = 200
"""Characters of one annotation's value."""


def review(shape: str, size: int) -> Review:
    """Make the review of a Pod that gets the setting.

    Args:
        shape: One of the constants above: what the bytes consist of.
        size: Bytes of the body, nearly; not less than those of the review ``pod-2k``.
    """
    made = json.loads(REVIEWS["pod-2k"].body)
    _SHAPES[shape](made["request"]["object"], max(0, size - len(REVIEWS["pod-2k"].body)))
    return Review(f"{shape} of {size:,} bytes", encoded(made), patched=True)


def encoded(value: Json) -> bytes:
    """Encode as the API server does."""
    body = json.dumps(value, separators=(",", ":")).encode()
    for character, escaped in _ESCAPES.items():
        body = body.replace(character, escaped)
    return body


def _add_containers(pod: Json, room: int) -> None:
    """Add copies of a container, and to the owned fields what its creator owns of it."""
    source = json.loads(REVIEWS["pod-9k"].body)["request"]["object"]
    container, owned = source["spec"]["containers"][-1], _owned_containers(source)
    fields = owned[f'k:{{"name":"{container["name"]}"}}']
    each = len(encoded(container)) + len(encoded(fields))
    for number in range(room // each):
        name = f"agent-{number}"
        pod["spec"]["containers"].append({**copy.deepcopy(container), "name": name})
        _owned_containers(pod)[f'k:{{"name":"{name}"}}'] = copy.deepcopy(fields)


def _owned_containers(pod: Json) -> Json:
    """Return the containers among the fields that the Pod's creator owns."""
    found: Json = pod["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:containers"]
    return found


def _add_text(pod: Json, room: int) -> None:
    """Give the first container a variable of so many bytes."""
    pod["spec"]["containers"][0]["env"] = [{"name": "TEXT", "value": "x" * room}]


def _add_escaped_text(pod: Json, room: int) -> None:
    """Give it a variable that has so many bytes once it is escaped."""
    _add_text(pod, 0)
    pod["spec"]["containers"][0]["env"][0]["value"] = "<" * (room // len(_ESCAPES[b"<"]))


def _add_annotations(pod: Json, room: int) -> None:
    """Annotate the Pod."""
    count = room // (_ANNOTATION + len('"example.org/note-000000":"",'))
    notes = {f"example.org/note-{number:06}": "x" * _ANNOTATION for number in range(count)}
    if notes:
        pod["metadata"]["annotations"] = notes


_SHAPES: Final[dict[str, Callable[[Json, int], None]]] = {
    CONTAINERS: _add_containers,
    TEXT: _add_text,
    ESCAPED: _add_escaped_text,
    ANNOTATIONS: _add_annotations,
}
