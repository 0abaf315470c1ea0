"""One review, from its bytes to the second pass over the object that came of it."""

import json

from tests.property.contract import check, check_refusal, read
from webhook.admission.answer import ReviewError, receive, respond
from webhook.admission.decision import Decision
from webhook.admission.options import Options
from webhook.labels import Labels


def judge(body: bytes, namespace: Labels | None, options: Options) -> tuple[Decision, ...] | None:
    """Have a review answered, and hold the answer against the contract.

    Args:
        body: Anything.
        namespace: Labels of the namespace, or ``None`` where nobody could tell them.
        options: What the admin chose.

    Returns:
        The decisions; ``None`` where the body was refused as it should be.

    Raises:
        AssertionError: The contract is broken.
        Exception: Whatever else escapes is a failure as well.
    """
    try:
        admission = receive(body)
    except ReviewError as error:
        check_refusal(str(error))
        return None
    decisions = admission.decide(namespace, options)
    answer = respond(admission.request.uid, decisions)
    assert isinstance(admission.name, str)
    patched = check(body, answer)
    assert (patched is None) == (not any(each.patch for each in decisions))
    if patched is not None:
        review = read(body)
        review["request"]["object"] = patched
        again = receive(json.dumps(review).encode()).decide(namespace, options)
        assert not any(each.patch for each in again), "a second pass changes the object again"
    return decisions
