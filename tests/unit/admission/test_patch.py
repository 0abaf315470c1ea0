"""Patches are spelled as RFC 6902 and RFC 6901 want them."""

import base64
import json

import jsonpatch

from webhook.admission.decision import Patch


def test_names_are_escaped_as_json_pointers() -> None:
    """``~`` and ``/`` in a name become ``~0`` and ``~1``, in that order."""
    assert Patch.add("a/b", "c~d", "~1", value=1).operations[0]["path"] == "/a~1b/c~0d/~01"


def test_escaped_path_reaches_the_member_it_names() -> None:
    """A real RFC 6902 library sets the very member that was named."""
    patch = Patch.add("x", "a/b~c", value="v")

    assert jsonpatch.apply_patch({"x": {}}, list(patch.operations)) == {"x": {"a/b~c": "v"}}


def test_encoded_form_is_the_same_document() -> None:
    """What travels in the review is base64 of the operations."""
    patch = Patch.add("x", value={"y": "z"})

    assert json.loads(base64.b64decode(patch.encoded)) == list(patch.operations)
