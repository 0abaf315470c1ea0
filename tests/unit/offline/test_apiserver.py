"""The API server's part of an admission."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from webhook.admission.answer import receive, respond
from webhook.admission.options import Options
from webhook.offline.apiserver import AnswerError, Applier, Review, act_upon, review
from webhook.offline.creation import applied, pod_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "reviews"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
OPTED_IN = {"source-ip-preservation": "enabled"}
WRITTEN = {"externalTrafficPolicy": "Cluster"}
POD = pod_of({"metadata": {"labels": {"app": "x"}}}, "web", "default")


def recorded(name: str) -> dict[str, Any]:
    """Read a review that a real API server sent, less what differs from one call to the next."""
    envelope: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    del envelope["request"]["object"]["metadata"]["managedFields"]
    return comparable(envelope)


def comparable(envelope: dict[str, Any]) -> dict[str, Any]:
    """Blank out what differs from one call to the next."""
    envelope["request"] |= {"uid": "", "userInfo": {}}
    return envelope


def patch_of(operations: Any) -> str:
    """Encode a patch as an answer carries it."""
    return base64.b64encode(json.dumps(operations).encode()).decode()


def answer(asked: Review, **response: Any) -> bytes:
    """Make an answer."""
    body = {"uid": asked.uid, "allowed": True, **response}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": body}
    return json.dumps(review).encode()


@pytest.mark.parametrize("name", ["svc_kubectl_apply_no_etp", "svc_kubectl_apply_Cluster"])
def test_service_review(name: str) -> None:
    """The review of an applied Service is the one that a real API server sends."""
    expected = recorded(name)
    written = expected["request"]["object"]["metadata"]["annotations"][LAST_APPLIED]
    created = applied(json.loads(written), "default")
    actual = comparable(json.loads(review(created).body))
    assert actual == expected
    assert list(actual["request"]) == list(expected["request"])


@pytest.mark.parametrize(
    ("applier", "name", "more"),
    [
        (Applier.SERVER_SIDE, "svc_kubectl_apply_server-side_Cluster", WRITTEN),
        (Applier.SERVER_SIDE, "svc_kubectl_apply_server-side_no_etp", {}),
        (Applier.CREATE, "svc_kubectl_create", {}),
    ],
)
def test_service_review_of_other_appliers(
    applier: Applier, name: str, more: dict[str, str]
) -> None:
    """Who creates a Service shows in its review as a real API server shows it."""
    envelope = json.loads((FIXTURES / f"{name}.json").read_text())
    entry = envelope["request"]["object"]["metadata"].pop("managedFields")[0]
    expected = comparable(envelope)["request"]
    spec = {"ports": [{"port": 80}], "selector": {"app": "x"}, "type": "LoadBalancer", **more}
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": expected["name"]}}

    created = applied({**manifest, "spec": spec}, "default", applier)
    fields = created["metadata"].pop("managedFields", [])
    actual = comparable(json.loads(review(created, applier=applier).body))["request"]

    assert actual == expected
    if entry["operation"] == "Apply":  # the entries of other writers are no evidence
        assert fields[0]["manager"] == entry["manager"]
        assert set(fields[0]["fieldsV1"]["f:spec"]) == set(entry["fieldsV1"]["f:spec"])
    else:
        assert fields == []


def test_pod_review() -> None:
    """The review of a workload's Pod is the one that a real API server sends."""
    expected = recorded("pod_create_generateName")
    pod = pod_of({"spec": expected["request"]["object"]["spec"]}, "web", "default")
    actual = comparable(json.loads(review(pod).body))
    assert actual == expected
    assert list(actual["request"]) == list(expected["request"])


def test_dry_run() -> None:
    """A dry run says so twice, as the API server does."""
    request = json.loads(review(POD, dry_run=True).body)["request"]
    assert request["dryRun"] is True
    assert request["options"]["dryRun"] == ["All"]


def test_round_trip() -> None:
    """The server's own answer is understood: patch, outcome and reason."""
    asked = review(POD)
    admission = receive(asked.body)
    decisions = admission.decide(OPTED_IN, Options())
    admitted = act_upon(asked, respond(admission.request.uid, decisions))
    annotations = {"sidecar.istio.io/interceptionMode": "TPROXY"}
    assert admitted.object["metadata"]["annotations"] == annotations
    assert (admitted.outcomes, admitted.reasons) == (("patched",), ("added",))
    assert admitted.operations == (
        {"op": "add", "path": "/metadata/annotations", "value": annotations},
    )
    assert "annotations" not in asked.object["metadata"]


def test_no_patch() -> None:
    """An answer without a patch leaves the object, and its warnings are passed on."""
    asked = review(POD)
    admitted = act_upon(asked, answer(asked, warnings=["careful"]))
    assert admitted.object == POD
    assert admitted.operations == ()
    assert admitted.warnings == ("careful",)


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        ({"uid": "other"}, "is to review other"),
        ({"allowed": False}, "denies the object"),
        ({"patch": patch_of([])}, "has one of patch and patchType"),
        ({"patchType": "JSONPatch"}, "has one of patch and patchType"),
        ({"patchType": "JSONPatch", "patch": "?"}, "does not apply"),
        ({"patchType": "JSONPatch", "patch": patch_of(1)}, "does not apply"),
        ({"patchType": "JSONPatch", "patch": patch_of([{"op": "no", "path": ""}])}, "not apply"),
        (
            {"patchType": "JSONPatch", "patch": patch_of([{"op": "remove", "path": "/no/where"}])},
            "does not apply",
        ),
        (
            {"patchType": "JSONPatch", "patch": patch_of([{"op": "remove", "path": "nowhere"}])},
            "does not apply",
        ),
    ],
)
def test_refused_answers(response: dict[str, Any], sentence: str) -> None:
    """An answer that a real API server would refuse is refused."""
    asked = review(POD)
    with pytest.raises(AnswerError, match=sentence):
        act_upon(asked, answer(asked, **response))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "not an AdmissionReview"),
        (b"[]", "not an AdmissionReview"),
        (b'{"response": {}}', "not an AdmissionReview"),
        (
            b'{"apiVersion": "v2", "kind": "AdmissionReview", "response": {"uid": "x"}}',
            "is a v2 AdmissionReview, not an admission.k8s.io/v1 AdmissionReview",
        ),
    ],
)
def test_no_answer(body: bytes, sentence: str) -> None:
    """What is no v1 AdmissionReview is no answer."""
    with pytest.raises(AnswerError, match=sentence):
        act_upon(review(POD), body)
