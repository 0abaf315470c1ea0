"""What is no review is refused with one sentence, whatever it is."""

import pytest

from tests.reviews import review
from webhook.admission.answer import ReviewError, receive
from webhook.admission.decision import CommonReason
from webhook.admission.options import Options


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "truncated"),
        (b"null", "got `null`"),
        (b"[]", "got `array`"),
        (b"{}", "apiVersion"),
        (b"\xff\xfe", "malformed"),
        (b'{"apiVersion": NaN}', "malformed"),
        (b"[" * 100_000, "got `array`"),
        (b'{"x":' * 100_000, "recursion"),
        (b'{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}', "v1beta1"),
        (b'{"apiVersion":"admission.k8s.io/v1","kind":"Pod","request":{}}', "kind"),
        (b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', "request"),
        (review("Pod", None, operation="MERGE"), "operation"),
        (review("Pod", None, uid=1), "uid"),
    ],
)
def test_something_else_is_refused(body: bytes, why: str) -> None:
    """The sentence says that it is no review, and what was wrong."""
    with pytest.raises(ReviewError, match=f"(?i)not an admission.k8s.io/v1 AdmissionReview.*{why}"):
        receive(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (review("Pod", None), "request.object is a Pod"),
        (review("Pod", {"spec": {}}), "metadata"),
        (review("Pod", {"metadata": {}}), "spec"),
        (review("Pod", {"metadata": {"annotations": {"a": 1}}, "spec": {}}), "annotations"),
        (review("Service", {"metadata": {}, "spec": {"type": 1}}), "type"),
        (
            review("Service", {"metadata": {}, "spec": {}}, operation="UPDATE"),
            "request.oldObject is a Service",
        ),
    ],
)
def test_object_that_is_not_what_it_says_is_refused(body: bytes, why: str) -> None:
    """An object that the API server would never have let through is not guessed at."""
    with pytest.raises(ReviewError, match=why):
        receive(body)


def test_sentence_quotes_little_of_the_body() -> None:
    """A huge value in a body does not become a huge error."""
    with pytest.raises(ReviewError) as caught:
        receive(b'{"apiVersion":"' + b"x" * 1_000_000 + b'"}')

    assert len(str(caught.value)) < 400


def test_null_means_absent() -> None:
    """Maps that are null are read as maps that are not there."""
    body = review(
        "Pod",
        {"metadata": {"labels": None, "annotations": None}, "spec": {"hostNetwork": None}},
        dryRun=None,
    )

    assert receive(body).decide(None, Options())[0].reason is CommonReason.ADDED


def test_deletion_is_answered() -> None:
    """A review without an object, as a deletion is, gets an answer like any other."""
    admission = receive(review("Pod", None, operation="DELETE", name="web-1"))

    assert admission.decide(None, Options())[0].reason is CommonReason.UNSUPPORTED_OPERATION
    assert admission.name == "web-1"


def test_unknown_fields_are_skipped() -> None:
    """Fields of a Kubernetes to come are no error."""
    body = review("Pod", {"metadata": {"new": 1}, "spec": {"newer": []}}, newest={})

    assert receive(body).decide(None, Options())[0].reason is CommonReason.ADDED
