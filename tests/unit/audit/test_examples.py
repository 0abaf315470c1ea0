"""Every reason of an audit has an example, and a command that mends it."""

import pytest

from tests.audit_document import found
from tests.unit.audit.examples import OF_AUDIT, OF_RULES
from webhook.admission.decision import Outcome, Reason
from webhook.admission.registry import MUTATIONS
from webhook.admission.services import ServiceReason
from webhook.audit.findings import AuditReason, Level

SEEN_ALIVE = {AuditReason.SEES_SIDECAR}
"""What only a look into a running Pod shows."""
REFUSED = {ServiceReason.INVALID_POLICY, ServiceReason.SET_BACK_TO_CLUSTER}
"""Choices that no existing Service can show: the API server refuses one, an update makes the other.
"""


def test_every_reason_has_an_example() -> None:
    """Those of the audit, and of the rules those that respect a person's choice."""
    choices = {
        each
        for mutation in MUTATIONS
        for each in mutation.reasons
        if each.outcome is Outcome.CONFLICT
    }

    assert OF_AUDIT.keys() == set(AuditReason) - SEEN_ALIVE
    assert OF_RULES.keys() == choices - REFUSED


@pytest.mark.parametrize("reason", OF_AUDIT)
def test_example_shows_its_reason(reason: AuditReason) -> None:
    """Level and sentence are the reason's, there is evidence, and a finding has a command."""
    finding = found(reason, OF_AUDIT[reason])

    assert (finding.level, finding.sentence) == (reason.level, reason.sentence)
    assert all(each.field and each.value for each in finding.evidence)
    assert bool(finding.cure.command) is (finding.level is Level.FINDING)


@pytest.mark.parametrize("reason", OF_RULES)
def test_choice_is_a_finding(reason: Reason) -> None:
    """What a person chose is told with the rule's own sentence, and with both ways out of it."""
    finding = found(reason, OF_RULES[reason])

    assert (finding.level, finding.sentence) == (Level.FINDING, reason.sentence)
    assert finding.cure.command
    assert "keep" in finding.cure.advice
