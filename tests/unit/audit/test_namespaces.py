"""When a namespace was opted in, and what a rule's answer means for what exists."""

import pytest

from tests.unit.audit.auditing import as_namespace, place
from tests.unit.audit.objects import KEY, LABELLED, namespace
from webhook.admission.decision import CommonReason, Sees
from webhook.admission.pods import PodReason
from webhook.admission.services import ServiceReason
from webhook.audit.findings import Level
from webhook.audit.namespaces import Verdict, labelled
from webhook.labels import Half


def since(*entries: tuple[str, str]) -> str:
    """Tell since when a namespace has its label; each entry has a time and a label."""
    made = namespace()
    made["metadata"]["managedFields"] = [
        {
            "manager": "kubectl-label",
            "time": time,
            "fieldsV1": {"f:metadata": {"f:labels": {".": {}, f"f:{label}": {}}}},
        }
        for time, label in entries
    ]
    return labelled(as_namespace(made), KEY)


def test_first_who_wrote_the_label_counts() -> None:
    """Of several managers of the label the earliest tells since when it is there, at the latest."""
    assert since((LABELLED, KEY), ("2026-06-01T00:00:00Z", KEY)) == LABELLED
    assert since(("2026-01-02T00:00:00Z", "team"), (LABELLED, KEY)) == LABELLED


def test_nobody_tells_since_when() -> None:
    """Without an entry for the label nothing is older than it."""
    none = namespace(mode=None)
    none["metadata"]["managedFields"] = None
    status = {"manager": "kubelet", "time": LABELLED, "fieldsV1": {"f:status": {}}}
    other = namespace(mode=None)
    other["metadata"]["managedFields"] = [status, {"manager": "x"}]

    assert since((LABELLED, "team")) == ""
    assert since(("", KEY)) == ""
    assert labelled(as_namespace(none), KEY) == ""
    assert labelled(as_namespace(other), KEY) == ""


def test_half_is_asked_for() -> None:
    """The label asks for one half or for both."""
    assert place(mode="east-west").asks_for(Half.EAST_WEST)
    assert not place(mode="east-west").asks_for(Half.NORTH_SOUTH)
    assert not place(mode=None).asks_for(Half.EAST_WEST)


@pytest.mark.parametrize(
    ("verdict", "gets_setting", "level"),
    [
        (Verdict(CommonReason.ADDED, Sees.CLIENT), True, None),
        (Verdict(CommonReason.ALREADY_SET, Sees.CLIENT), True, None),
        (Verdict(PodReason.EXPLICIT_MODE, Sees.SIDECAR), False, Level.FINDING),
        (Verdict(PodReason.EXPLICIT_MODE, Sees.CLIENT), False, None),
        (Verdict(PodReason.INVALID_MODE, Sees.NOTHING), False, Level.FINDING),
        (Verdict(PodReason.POD_SECURITY, Sees.SIDECAR), False, Level.NOTE),
        (Verdict(CommonReason.OPTED_OUT, Sees.SIDECAR), False, None),
        (Verdict(PodReason.GATEWAY, Sees.CLIENT), False, None),
        (Verdict(ServiceReason.NOT_LOAD_BALANCER, Sees.NOTHING), False, None),
    ],
)
def test_answer_of_a_rule_has_a_level(
    verdict: Verdict, gets_setting: bool, level: Level | None
) -> None:
    """Choices that hide clients are findings, rules that hold back are notes, all else is fine."""
    assert verdict.gets_setting is gets_setting
    assert verdict.level is level
