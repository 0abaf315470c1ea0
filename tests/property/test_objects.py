"""What holds for every Pod and every Service, in every namespace."""

import base64
import contextlib
import copy
import functools
import itertools
import json
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from tests.property.contract import apply
from tests.property.effort import tried
from tests.property.judging import judge
from tests.property.objects import Review, choices, namespaces, reviews
from tests.property.spelling import respelled, with_unknown_fields
from tests.reviews import review
from tests.second_mutation import registered
from tests.situations import ENABLED
from webhook.admission.answer import receive, respond
from webhook.admission.options import Options
from webhook.labels import Labels


@tried(150)
@given(reviews, namespaces, choices)
def test_answer_keeps_the_contract(
    admitted: Review, namespace: Labels | None, options: Options
) -> None:
    """Allowed and well-formed; a patch applies, sets our one field, and is never needed twice."""
    assert judge(admitted.body(), namespace, options) is not None


@tried(60)
@given(reviews, namespaces, choices)
def test_decision_is_deterministic(
    admitted: Review, namespace: Labels | None, options: Options
) -> None:
    """The same review gets the same bytes again, and nothing that was passed in is changed."""
    before = copy.deepcopy(namespace)
    admission = receive(admitted.body())
    answers = {
        respond("uid", admission.decide(namespace, options)),
        respond("uid", admission.decide(namespace, options)),
        respond("uid", receive(admitted.body()).decide(namespace, options)),
    }

    assert len(answers) == 1
    assert namespace == before


@tried(60)
@given(st.data(), reviews, namespaces)
def test_spelling_does_not_matter(
    data: st.DataObject, admitted: Review, namespace: Labels | None
) -> None:
    """Order of keys, spaces, escapes and overwritten duplicates of a key change no decision."""
    envelope = json.loads(admitted.body())
    body = data.draw(respelled(envelope)).encode()

    assert json.loads(body) == envelope
    assert judge(body, namespace, Options()) == judge(admitted.body(), namespace, Options())


@tried(60)
@given(st.data(), reviews, namespaces)
def test_unknown_fields_do_not_matter(
    data: st.DataObject, admitted: Review, namespace: Labels | None
) -> None:
    """Fields of a Kubernetes to come, on any level, change no decision."""
    body = review(
        admitted.kind,
        data.draw(with_unknown_fields(admitted.object)),
        operation=admitted.operation,
        old=data.draw(with_unknown_fields(admitted.old)),
        unknown={},
    )

    assert judge(body, namespace, Options()) == judge(admitted.body(), namespace, Options())


@tried(60)
@given(reviews, namespaces, choices)
def test_several_mutations_share_a_patch(
    admitted: Review, namespace: Labels | None, options: Options
) -> None:
    """Whatever the object is like, one patch applies to it and does what each decision says."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        registered(monkeypatch)
        admission = receive(admitted.body())
        decisions = admission.decide(namespace, options)
        response = json.loads(respond("uid", decisions))["response"]
    operations = json.loads(base64.b64decode(response["patch"])) if "patch" in response else []
    patched = apply(admitted.object, operations)
    values = [member_of(patched, *mutation.member) for mutation in admission.mutations]

    assert len(decisions) == max(len(values), 1)
    for decision, mutation, value in zip(decisions, admission.mutations, values, strict=False):
        assert decision.patch is None or value == mutation.value


def member_of(obj: Any, *names: str) -> Any:
    """Read a member some levels down; ``None`` where there is none."""
    return functools.reduce(lambda parent, name: (parent or {}).get(name), names, obj)


def outcome_of(admitted: Review) -> str:
    """Decide a review in a namespace that has opted in."""
    return receive(admitted.body()).decide(ENABLED, Options())[0].outcome


def test_every_outcome_is_tried() -> None:
    """The properties of this module are about something: each outcome turns up by itself."""
    outcomes = ["patched", "unchanged", "skipped", "conflict"]
    missing = set(itertools.product(["Pod", "Service"], outcomes))

    def is_last(admitted: Review) -> bool:
        missing.discard((admitted.kind, outcome_of(admitted)))
        return not missing

    bounds = settings(tried(1000), derandomize=True, database=None, phases=[Phase.generate])
    with contextlib.suppress(NoSuchExample):  # what is missing says more
        find(reviews, is_last, settings=bounds)

    assert missing == set()
