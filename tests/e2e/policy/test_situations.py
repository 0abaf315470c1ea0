"""The whole table of situations, judged by the API server itself."""

import pytest

from tests.e2e.policy.exceptions import EXCEPTIONS
from tests.e2e.policy.judge import ASKED, Verdict
from tests.situations import SITUATIONS
from webhook.admission.decision import Outcome
from webhook.admission.registry import REASONS

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("number", range(len(ASKED)), ids=lambda number: ASKED[number].says)
def test_same_as_the_webhook(verdicts: dict[int, Verdict], number: int) -> None:
    """The policies give the word that the webhook gives, and the setting exactly where it does."""
    situation, verdict = ASKED[number], verdicts[number]
    difference = EXCEPTIONS.get(situation.says)
    expected = situation.reason if difference is None else difference.reason

    assert verdict.reason == expected
    if not verdict.was_refused:
        assert verdict.is_set is (REASONS[expected].outcome is Outcome.PATCHED)


def test_exceptions_are_situations_that_differ() -> None:
    """The table of exceptions names situations of the table, and none that is the same."""
    reasons = {situation.says: situation.reason for situation in ASKED}

    assert EXCEPTIONS.keys() <= reasons.keys()
    assert all(reasons[says] != each.reason for says, each in EXCEPTIONS.items())


def test_only_one_difference_sets_what_the_webhook_does_not() -> None:
    """Where CEL falls short objects are left alone; but of Sidecars it knows nothing."""
    reasons = {situation.says: situation.reason for situation in ASKED}
    bold = {reasons[says] for says, each in EXCEPTIONS.items() if each.reason == "added"}

    assert bold == {"loopback-ingress"}


def test_nothing_is_left_out() -> None:
    """What is not asked are other kinds and operations, and namespaces without known labels."""
    left = [each for each in SITUATIONS if each not in ASKED]

    assert all(
        each.namespace is None or each.reason in {"unsupported-kind", "unsupported-operation"}
        for each in left
    )
