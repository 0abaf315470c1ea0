"""What an answer must be, by rules that share nothing with the code that writes it.

Where each rule comes from:

- k8s.io/apiserver pkg/admission/plugin/webhook/request/admissionreview.go, VerifyAdmissionResponse:
  the envelope, the uid, patch and patchType together;
- k8s.io/apimachinery pkg/util/validation, IsQualifiedName: keys of audit annotations, without which
  the API server drops them;
- k8s.io/api admission/v1/types.go: warnings of at most 120 characters, and the API server drops
  those that hold a control character;
- RFC 6902 section 4.1 and gopkg.in/evanphx/json-patch.v4: where ``add`` applies.
"""

import base64
import json
import math
import re
import sys
from typing import Any

import jsonpatch

from tests.reviews import Json
from tests.situations import MODE

_ENVELOPE = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
_FIELDS = {"uid", "allowed", "auditAnnotations", "patch", "patchType", "warnings"}
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_POINTER = re.compile(r"(/([^~/]|~[01])*)+")
_PROMISED: dict[str, dict[tuple[str, ...], str]] = {
    "Pod": {("metadata", "annotations", MODE): "TPROXY"},
    "Service": {("spec", "externalTrafficPolicy"): "Local"},
}
"""What the product sets, by kind and path."""
_DEPTH = 5000
"""Levels of nesting that the judge itself can read; the code it judges stops long before."""
_DIGITS = 400
"""Digits of an integer that is read at all."""


def check(body: bytes, answer: bytes) -> Json | None:
    """Hold an answer against the review that it was given to.

    Args:
        body: The review, which was answered and therefore is one.
        answer: What it was answered.

    Returns:
        The object as the API server would go on with it; ``None`` if it stays as it is.

    Raises:
        AssertionError: The API server would not take the answer, or would do with it what we never
            want done.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + _DEPTH)
    try:
        request = read(body)["request"]
        operations = patch_of(answer, request["uid"])
        if operations is None:
            return None
        document = json.dumps(request["object"])
        patched = apply(request["object"], operations)
        assert patched == with_settings(request["kind"]["kind"], request["object"], patched)
        # A copy of its own, because jsonpatch's way of copying cannot nest as deeply.
        assert patched == jsonpatch.apply_patch(json.loads(document), operations, in_place=True)
        return patched
    finally:
        sys.setrecursionlimit(limit)


def read(body: bytes) -> Json:
    """Read a review with the standard library, in which the last of two equal keys counts."""
    document: Json = json.loads(
        body.decode("utf-8", "replace"), strict=False, parse_int=_integer, parse_float=_fraction
    )
    return document


def patch_of(answer: bytes, uid: str) -> list[Json] | None:
    """Check everything about an answer that needs no object, and return the patch that it holds."""
    document = json.loads(answer)
    response = document.pop("response")
    assert document == _ENVELOPE
    assert response.keys() <= _FIELDS
    assert response["uid"] == uid
    assert response["allowed"] is True
    _check_texts(response["auditAnnotations"], response.get("warnings", []))
    assert len(answer) < 4096 + 6 * len(uid.encode())
    assert ("patch" in response) == ("patchType" in response)
    if "patch" not in response:
        return None
    assert response["patchType"] == "JSONPatch"
    operations: list[Json] = json.loads(base64.b64decode(response["patch"], validate=True))
    assert 1 <= len(operations) <= max(map(len, _PROMISED.values()))
    return operations


def _check_texts(annotations: dict[str, str], warnings: list[str]) -> None:
    """Check what a person will read."""
    assert annotations.keys() >= {"outcome", "reason"}
    assert all(_QUALIFIED.fullmatch(key) for key in annotations)
    assert all(0 < len(text) <= 256 and text.isprintable() for text in annotations.values())
    assert len(warnings) <= 3
    assert all(0 < len(text) <= 120 and text.isprintable() for text in warnings)


def apply(document: Json, operations: list[Json]) -> Json:
    """Apply ``add`` operations in a copy, as strictly as any implementation may."""
    result = document
    for operation in operations:
        assert operation.keys() == {"op", "path", "value"}
        assert operation["op"] == "add"
        assert _POINTER.fullmatch(operation["path"])
        escaped = operation["path"][1:].split("/")
        names = [name.replace("~1", "/").replace("~0", "~") for name in escaped]
        result = _added(result, names, operation["value"])
    return result


def _added(parent: Any, names: list[str], value: Any) -> Json:
    """Set a member some levels down; every parent must be there, and be an object."""
    assert isinstance(parent, dict), f"{names[0]} has no parent"
    if len(names) == 1:
        return {**parent, names[0]: value}
    assert names[0] in parent, f"there is no {names[0]} to add to"
    return {**parent, names[0]: _added(parent[names[0]], names[1:], value)}


def with_settings(kind: str, obj: Json, patched: Json) -> Json:
    """Make the object that the product promises: settings of its own, and nothing else, changed.

    Args:
        kind: The object's.
        obj: The object as it came.
        patched: The object as the answer makes it, which tells which of the settings it got.
    """
    promised = obj
    for path, value in _PROMISED[kind].items():
        if _value(patched, path) == value != _value(obj, path):
            promised = _set(promised, path, value)
    if kind == "Service" and promised["spec"].get("externalTrafficPolicy") == "Local":
        # Any other value is a person's, and one that the API server refuses has to stay refused.
        assert obj["spec"].get("externalTrafficPolicy") in {None, "", "Cluster"}
    assert promised != obj, "nothing that was promised is set"
    return promised


def _value(obj: Any, path: tuple[str, ...]) -> Any:
    """Read a member some levels down; ``None`` where there is none."""
    for name in path:
        obj = (obj or {}).get(name)
    return obj


def _set(parent: Any, path: tuple[str, ...], value: str) -> Json:
    """Set a member some levels down, with the parents that it lacks."""
    name, *rest = path
    members = parent or {}
    return {**members, name: _set(members.get(name), tuple(rest), value) if rest else value}


def check_refusal(sentence: str) -> None:
    """Check the sentence that a request gets that is no review."""
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert 10 < len(sentence) < 500


def _integer(text: str) -> int:
    """Read an integer; Python refuses those of very many digits."""
    return int(text) if len(text) < _DIGITS else 0


def _fraction(text: str) -> float:
    """Read a number; JSON has no word for the infinity that a huge one becomes."""
    number = float(text)
    return number if math.isfinite(number) else 0.0
