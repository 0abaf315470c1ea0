"""Several mutations of one kind: each decides for itself, and one patch does what all do."""

import base64
import dataclasses
import enum
import json
from typing import Any

import jsonpatch
import pytest

from tests.reviews import review
from tests.second_mutation import ANNOTATION, SECOND, WARNING, registered
from tests.situations import ENABLED, KEY, MODE, STATUS, pod
from webhook.admission import pods, services
from webhook.admission.answer import receive, respond
from webhook.admission.decision import Decision, Outcome, Patch, Reason, Sees, merge
from webhook.admission.options import Options
from webhook.admission.registry import MUTATIONS, REASONS, reasons_of, register

BOTH = {MODE: "TPROXY", ANNOTATION: "true"}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch)


def decide(body: bytes) -> tuple[Decision, ...]:
    """Decide a review in a namespace that has opted in."""
    return receive(body).decide(ENABLED, Options())


def answered(body: bytes) -> dict[str, Any]:
    """Decide a review, and take the response out of the answer."""
    response: dict[str, Any] = json.loads(respond("uid", decide(body)))["response"]
    return response


@pytest.mark.parametrize("annotations", [None, {}, {"a/b": "c"}, {ANNOTATION: "true"}])
def test_patch_does_what_both_do(annotations: dict[str, str] | None) -> None:
    """Whatever annotations a pod has, one patch adds both, and leaves the others."""
    made = pod(annotations)
    patch = base64.b64decode(answered(review("Pod", made))["patch"])
    patched = jsonpatch.apply_patch(made, patch.decode())

    assert patched["metadata"].pop("annotations") == {**(annotations or {}), **BOTH}
    made["metadata"].pop("annotations", None)
    assert patched == made


def test_words_stand_beside_each_other() -> None:
    """Audit annotations have the words of all decisions, in the order of registration."""
    response = answered(review("Pod", pod({STATUS: "{}"})))

    assert response["auditAnnotations"] == {
        "outcome": "skipped, patched",
        "reason": "already-injected, added",
    }


def test_warnings_of_all_are_given_once() -> None:
    """Each decision may warn; what two of them say is said once."""
    mistyped = "the opt-out label of this object says 'off'; only 'disabled' opts it out"

    assert answered(review("Pod", pod()))["warnings"] == [WARNING]
    assert answered(review("Pod", pod(labels={KEY: "off"})))["warnings"] == [mistyped]


def test_only_those_that_apply_decide() -> None:
    """At an operation that only one of the mutations is for there is one decision."""
    admission = receive(review("Pod", pod(), operation="UPDATE", old=pod()))
    (decision,) = admission.decide(ENABLED, Options())

    assert admission.mutations == (SECOND,)
    assert decision.reason == "added"


def test_sees_is_told_of_each() -> None:
    """Each mutation tells whom the application sees by what it does."""
    for made in (pod(), pod(BOTH)):
        sees = receive(review("Pod", made)).sees(ENABLED, Options())
        assert sees == (Sees.CLIENT, Sees.NOTHING)


@pytest.mark.parametrize(
    "member",
    [
        ("metadata", "annotations", MODE),
        ("metadata", "annotations"),
        ("metadata", "annotations", MODE, "x"),
    ],
)
def test_same_member_cannot_be_registered_twice(member: tuple[str, ...]) -> None:
    """Two mutations that set one member, or a member of it, are an error at import."""
    other = dataclasses.replace(SECOND, member=member)

    with pytest.raises(ValueError, match=r"Two mutations of Pod set metadata\.annotations"):
        register([pods.MUTATION, services.MUTATION, other])


def test_same_word_cannot_be_registered_twice() -> None:
    """A word means one reason in logs and metrics, so a second one is an error at import."""

    class Another(Reason):
        HOST_NETWORK = "host-network", Outcome.SKIPPED, "something else", Sees.NOTHING

    other = dataclasses.replace(SECOND, reasons=Another)

    with pytest.raises(ValueError, match="Two reasons have the word host-network"):
        reasons_of([*MUTATIONS, other])


def test_reasons_may_be_shared() -> None:
    """Two mutations of one kind may give the same reasons."""
    other = dataclasses.replace(SECOND, reasons=pods.PodReason)

    assert reasons_of([*MUTATIONS, other]) == REASONS


def test_merging_nothing_and_one() -> None:
    """Nothing stays nothing, and one patch stays as it is, down to its bytes."""
    patch = Patch.add("a", value="b")

    assert merge([]) is None
    assert merge([patch]) is patch


@pytest.mark.parametrize(
    ("patches", "made", "expected"),
    [
        (
            [Patch.add("m", "a", value={"x": "1"}), Patch.add("m", "a", value={"y": "2"})],
            {"m": {}},
            {"m": {"a": {"x": "1", "y": "2"}}},
        ),
        (
            [Patch.add("m", value={"a": {"x": "1"}}), Patch.add("m", value={"a": {"y": "2"}})],
            {},
            {"m": {"a": {"x": "1", "y": "2"}}},
        ),
        (
            [Patch.add("m", value={"a": "1"}), Patch.add("m", value={"a": "1", "b": "2"})],
            {},
            {"m": {"a": "1", "b": "2"}},
        ),
        (
            [Patch.add("m", "y~/", value="2"), Patch.add("m", value={"x": "1"})],
            {"m": {}},
            {"m": {"x": "1", "y~/": "2"}},
        ),
        ([Patch.add("s", value="1"), Patch.add("m", "a", value="2")], {"m": {}}, None),
    ],
)
def test_merged_patch_does_what_each_does(
    patches: list[Patch], made: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    """A parent that two patches add has the members of both; a parent comes before its members."""
    merged = merge(patches)
    assert merged is not None

    assert jsonpatch.apply_patch(made, list(merged.operations)) == (
        expected or {"s": "1", "m": {"a": "2"}}
    )
    assert json.loads(base64.b64decode(merged.encoded)) == list(merged.operations)


@pytest.mark.parametrize(
    ("first", "second"), [("1", "2"), ({"x": "1"}, {"x": "2"}), ({"x": "1"}, "1")]
)
def test_patches_that_contradict_each_other_are_no_patch(first: Any, second: Any) -> None:
    """Of two values of one member none is chosen in silence."""
    with pytest.raises(ValueError, match="Two patches set /m to different values"):
        merge([Patch.add("m", value=first), Patch.add("m", value=second)])


def test_reason_is_an_enum_without_members() -> None:
    """The base of all reasons has none itself, so every kind can have its own."""
    assert issubclass(Reason, enum.StrEnum)
    assert not list(Reason)
