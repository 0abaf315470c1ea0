"""What the real kubectl reads of files: it annotates the objects, and prints them as JSON."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.controlplane import kubectl
from tests.controlplane.components import find

_TIMEOUT_SECONDS = 120.0
_COMMAND = ["annotate", "--local", "--dry-run=client", "--show-managed-fields", "-o", "json"]
_ANNOTATION = ("differential", "read")
_INT64 = range(-(2**63), 2**63)


class Read(NamedTuple):
    """What kubectl says about files."""

    objects: list[Any]
    """The objects in them, in order, one by one where they are in a List."""
    errors: str
    """What it says about what it cannot read."""


def read(paths: Sequence[Path]) -> Read:
    """Let kubectl read files, without any server.

    Args:
        paths: The files.
    """
    files = [argument for path in paths for argument in ("-f", str(path))]
    annotation = "=".join(_ANNOTATION)
    with tempfile.TemporaryDirectory() as home:
        done = kubectl.run(
            find("kubectl"),
            (*_COMMAND, *files, annotation),
            environment={"HOME": home, "PATH": os.defpath},
            stdin=None,
            timeout_seconds=_TIMEOUT_SECONDS,
            check=False,
        )
    return Read(_objects(done.stdout), done.stderr)


def shown(data: Any) -> list[Any]:
    """Tell what kubectl would print of a document, if it has read it as this data.

    Args:
        data: The document as JSON; what has no kind is no object, and is not printed.

    Source:
        k8s.io/apimachinery unstructured/helpers.go: what has a list of items is a List, whatever
        its kind; and unstructured.go, GetAnnotations: if one annotation is no text, none is one.
    """
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str) or not data["kind"]:
        return []
    if isinstance(data.get("items"), list):
        return [shown_item for item in data["items"] for shown_item in shown(item)]
    metadata = data.get("metadata", {})
    if not isinstance(metadata, dict):  # such as null, into which kubectl can write nothing
        return [data]
    annotations = metadata.get("annotations") or {}
    texts = isinstance(annotations, dict) and all(
        isinstance(value, str) for value in annotations.values()
    )
    key, value = _ANNOTATION
    annotated = {**(annotations if texts else {}), key: value}
    return [{**data, "metadata": {**metadata, "annotations": annotated}}]


def _objects(text: str) -> list[Any]:
    decoder = json.JSONDecoder(parse_int=_number)
    objects, place = [], 0
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        objects.append(value)
        place += len(text[place:]) - len(text[place:].lstrip())
    return objects


def _number(spelled: str) -> int | float:
    """Read what Go printed: a float without a fraction has none."""
    number = int(spelled)
    return number if number in _INT64 else float(number)
