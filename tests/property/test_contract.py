"""The judge itself: answers that the API server would not take do not get past it."""

import base64
import json
from typing import Any

import pytest

from tests.property.contract import apply, check, check_refusal
from tests.reviews import Json, review
from tests.situations import MODE, pod, service

ANNOTATION = "/metadata/annotations/sidecar.istio.io~1interceptionMode"
POLICY = "/spec/externalTrafficPolicy"


def answer(*operations: Json, **more: Any) -> bytes:
    """Write an answer that is good but for what is said."""
    response: Json = {
        "uid": "u",
        "allowed": True,
        "auditAnnotations": {"outcome": "patched", "reason": "added"},
        "patchType": "JSONPatch",
        "patch": base64.b64encode(json.dumps(operations).encode()).decode(),
        **more,
    }
    present = {key: value for key, value in response.items() if value is not None}
    envelope = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    return json.dumps({**envelope, "response": present}).encode()


def add(path: str, value: Any) -> Json:
    """Make an operation."""
    return {"op": "add", "path": path, "value": value}


POD = review("Pod", pod({"a": "b"}), uid="u")
BARE = review("Pod", pod(), uid="u")
SERVICE = review("Service", service(), uid="u")


@pytest.mark.parametrize(
    ("body", "good"),
    [
        (POD, answer(add(ANNOTATION, "TPROXY"))),
        (BARE, answer(add("/metadata/annotations", {MODE: "TPROXY"}))),
        (SERVICE, answer(add(POLICY, "Local"))),
    ],
)
def test_good_answer_passes(body: bytes, good: bytes) -> None:
    """The judge lets pass what the product is for."""
    assert check(body, good) is not None


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        (BARE, answer(add(ANNOTATION, "TPROXY"))),
        (POD, answer(add("/metadata/annotations", {MODE: "TPROXY"}))),
        (POD, answer(add("/metadata/annotations/sidecar.istio.io/interceptionMode", "TPROXY"))),
        (POD, answer(add(ANNOTATION, "REDIRECT"))),
        (POD, answer(add(POLICY, "Local"))),
        (SERVICE, answer(add(POLICY, "Cluster"))),
        (SERVICE, answer({**add(POLICY, "Local"), "op": "replace"})),
        (SERVICE, answer(add(POLICY, "Local"), add("/spec/x", 1))),
        (SERVICE, answer()),
        (SERVICE, answer(add(POLICY, "Local"), patchType=None)),
        (SERVICE, answer(add(POLICY, "Local"), uid="v")),
        (SERVICE, answer(patch=None)),
        (SERVICE, answer(patch=None, patchType=None, allowed=False)),
        (SERVICE, answer(patch=None, patchType=None, allowed="true")),
        (SERVICE, answer(patch=None, patchType=None, warnings=["x" * 121])),
        (SERVICE, answer(patch=None, patchType=None, warnings=["a\nb"])),
        (SERVICE, answer(patch=None, patchType=None, auditAnnotations={"reason": "x"})),
        (SERVICE, answer(patch=None, patchType=None, status={"code": 200})),
    ],
)
def test_bad_answer_does_not(body: bytes, bad: bytes) -> None:
    """Each way to be wrong is noticed."""
    with pytest.raises(AssertionError):
        check(body, bad)


@pytest.mark.parametrize("path", ["", "x", "/x~2", "/x~", "/list/0", "/null/x", "/none/x"])
def test_path_without_a_parent_does_not_apply(path: str) -> None:
    """``add`` needs a parent that is there and is an object."""
    with pytest.raises(AssertionError):
        apply({"list": [], "null": None}, [add(path, 1)])


def test_escaped_names_are_unescaped_in_order() -> None:
    """``~01`` is ``~1``, not ``/``."""
    assert apply({}, [add("/~01", 1)]) == {"~1": 1}


@pytest.mark.parametrize("sentence", ["", "No.", "It is not a sentence", "One\nTwo.", "x" * 500])
def test_refusal_is_one_sentence(sentence: str) -> None:
    """A refusal that a person could not read in one line is noticed."""
    with pytest.raises(AssertionError):
        check_refusal(sentence)
