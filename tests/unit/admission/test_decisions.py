"""Every situation of the table gets its reason, and every answer keeps the contract."""

import base64
import copy
import functools
import json
from typing import Any

import jsonpatch
import pytest

from tests.reviews import RECORDED, recorded
from tests.situations import ENABLED, KEY, SITUATIONS, Situation, pod, service
from webhook.admission.answer import receive, respond
from webhook.admission.decision import CommonReason, Decision, Outcome, Reason
from webhook.admission.options import Options
from webhook.admission.registry import MUTATIONS, REASONS

RECORDED_REASONS = {
    "pod_create_generateName.json": "added",
    "svc_create_generateName_request.json": "no-selector",
    "svc_kubectl_apply_Cluster.json": "explicit-cluster",
    "svc_kubectl_apply_no_etp.json": "added",
    "svc_kubectl_apply_server-side_Cluster.json": "explicit-cluster",
    "svc_kubectl_apply_server-side_no_etp.json": "added",
    "svc_kubectl_create.json": "added",
    "svc_kubectl_create_save-config_Cluster.json": "explicit-cluster",
}

each_situation = pytest.mark.parametrize("situation", SITUATIONS, ids=lambda row: row.says)
each_recording = pytest.mark.parametrize("name", sorted(RECORDED_REASONS))


def decide_all(situation: Situation) -> tuple[Decision, ...]:
    """Decide a row of the table, for every mutation of its kind."""
    sidecars = situation.known_sidecars()
    return receive(situation.review()).decide(situation.namespace, situation.options, sidecars)


def decide(situation: Situation) -> Decision:
    """Decide a row of the table, for the mutation that it is about."""
    return decide_all(situation)[situation.place]


def patched(obj: dict[str, Any], answer: bytes) -> dict[str, Any]:
    """Apply the patch of an answer, if there is one, as the API server would."""
    patch = json.loads(answer)["response"].get("patch")
    if patch is None:
        return obj
    result: dict[str, Any] = jsonpatch.apply_patch(obj, base64.b64decode(patch).decode())
    return result


@each_situation
def test_situation_gets_its_reason(situation: Situation) -> None:
    """Each row of the table is decided as the row says."""
    assert decide(situation).reason == situation.reason


@each_situation
def test_patch_sets_one_field_and_nothing_else(situation: Situation) -> None:
    """The patch applies to the very object it was made for, and changes our one field only."""
    expected = copy.deepcopy(situation.object)
    if situation.reason == "added" and situation.sets:
        *parents, name = receive(situation.review()).mutations[situation.place].member
        parent = functools.reduce(
            lambda parent, name: parent.setdefault(name, {}), parents, expected
        )
        parent[name] = receive(situation.review()).mutations[situation.place].value
    elif situation.reason == "added" and situation.kind == "Pod":
        mode = {"sidecar.istio.io/interceptionMode": "TPROXY"}
        expected["metadata"].setdefault("annotations", {}).update(mode)
    elif situation.reason == "added":
        expected["spec"]["externalTrafficPolicy"] = "Local"

    assert expected == patched(situation.object, respond("uid", [decide(situation)]))


@each_situation
def test_second_pass_finds_nothing_to_do(situation: Situation) -> None:
    """An object that was patched is ``already-set`` when it comes again."""
    if decide(situation).patch is None:
        return
    again = Situation(
        says="again",
        kind=situation.kind,
        object=patched(situation.object, respond("uid", decide_all(situation))),
        reason="already-set",
        options=situation.options,
        sets=situation.sets,
    )

    assert decide(again) == Decision(CommonReason.ALREADY_SET)
    assert not any(decision.patch for decision in decide_all(again))


@each_situation
def test_answer_keeps_the_contract(situation: Situation) -> None:
    """Every answer allows, echoes the uid, and tells outcome and reason to the audit log."""
    decisions = decide_all(situation)
    answer = json.loads(respond("the-uid", decisions))
    response = answer.pop("response")

    assert answer == {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    assert response["allowed"] is True
    assert response["uid"] == "the-uid"
    assert response["auditAnnotations"] == {
        "outcome": ", ".join(decision.outcome for decision in decisions),
        "reason": ", ".join(decision.reason for decision in decisions),
    }
    assert ("patch" in response) == ("patchType" in response)
    assert ("patch" in response) == (Outcome.PATCHED in {each.outcome for each in decisions})
    assert all(0 < len(text) <= 120 and text.isprintable() for text in response.get("warnings", []))


@each_recording
def test_recorded_review_gets_its_right_answer(name: str) -> None:
    """What a real API server sent for each kind of client is told apart as k8s.md found it."""
    admission = receive(recorded(name))

    assert RECORDED_REASONS[name] == admission.decide(ENABLED, Options())[0].reason


def test_every_recording_is_in_the_table() -> None:
    """No recorded review is forgotten."""
    assert {path.name for path in RECORDED.iterdir()} == set(RECORDED_REASONS)


def test_every_reason_is_in_the_table() -> None:
    """No reason can be added without a situation that leads to it."""
    assert {situation.reason for situation in SITUATIONS} == set(REASONS)


def test_no_word_is_the_word_of_two_reasons() -> None:
    """A word in a log or a metric means one reason."""
    enums: set[type[Reason]] = {CommonReason, *(mutation.reasons for mutation in MUTATIONS)}

    assert sum(len(list(enum)) for enum in enums) == len(REASONS)


def test_warnings_are_never_the_same_for_two_reasons() -> None:
    """A person who reads a warning can tell what it is about."""
    reasons: dict[str, set[str]] = {}
    for situation in SITUATIONS:
        decision = decide(situation)
        if decision.warning:
            reasons.setdefault(decision.warning, set()).add(decision.reason)

    assert reasons
    assert all(len(causes) == 1 for causes in reasons.values())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Disabled", "'Disabled'"),
        ("off", "'off'"),
        ("", "''"),
        ("\u202e" * 63, "'" + "\\u202e" * 6),
        ("disabled", None),
        ("enabled", None),
    ],
)
def test_opt_out_that_is_mistyped_is_named(value: str, said: str | None) -> None:
    """Whoever meant to opt an object out, and did not, hears what the label says."""
    for kind, made in (
        ("Pod", pod(labels={KEY: value})),
        ("Service", service(labels={KEY: value})),
    ):
        decision = decide(Situation(says="", kind=kind, object=made, reason="added"))

        assert ("only 'disabled' opts it out" in decision.warning) is (said is not None)
        assert f"the opt-out label of this object says {said}" in decision.warning or said is None


@pytest.mark.parametrize(
    ("namespace", "reason"),
    [({"ip.example.org/keep": "enabled"}, "added"), (ENABLED, "namespace-not-opted-in")],
)
def test_label_key_can_be_chosen(namespace: dict[str, str], reason: str) -> None:
    """Another key replaces the default one instead of joining it."""
    options = Options(label_key="ip.example.org/keep")
    situation = Situation(says="", kind="Pod", object=pod(labels={KEY: "disabled"}), reason=reason)

    assert reason == receive(situation.review()).decide(namespace, options)[0].reason


@pytest.mark.parametrize(
    ("obj", "request_name", "name"),
    [
        (pod(), "", "web-"),
        (service(), "gw", "gw"),
        (service(), "", "gw"),
    ],
)
def test_name_is_what_a_person_would_search_for(
    obj: dict[str, Any], request_name: str, name: str
) -> None:
    """Logs name the object, or the ``generateName`` where it has no name yet."""
    kind = "Pod" if "generateName" in obj["metadata"] else "Service"
    more = {"name": request_name} if request_name else {}
    situation = Situation(says="", kind=kind, object=obj, reason="added", more=more)

    assert receive(situation.review()).name == name


def test_name_of_an_object_that_is_not_read() -> None:
    """Where the kind is not ours the name of the request is all there is."""
    situation = Situation(
        says="", kind="Secret", object={}, reason="unsupported-kind", more={"name": "s"}
    )

    assert receive(situation.review()).name == "s"
