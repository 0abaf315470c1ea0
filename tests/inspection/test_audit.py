"""Every finding of an audit is made in a real mesh, found, and mended by the command it prints."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.user import Answer
from tests.inspection import situations
from tests.inspection.admin import Admin, found
from tests.inspection.situations import SITUATIONS, Situation
from webhook.audit.findings import Level

pytestmark = pytest.mark.e2e

_MENDING_SECONDS = 300.0
"""For some audits, for typing all that they print, and for the rollouts which that begins."""


@dataclasses.dataclass(frozen=True)
class Audits:
    """What an audit of everything said.

    Attributes:
        before: When all was wrong.
        after: When each printed command had been typed, and its rollout had ended.
    """

    before: Answer
    after: Answer


@pytest.fixture(scope="module")
def audits(admin: Admin) -> Audits:
    """Audit, and type each command that is printed, once, until an audit prints none."""
    situations.make_after_chart(admin)
    admin.wait_for(lambda: situations.is_made(admin), "everything to be wrong")
    said = [admin.wait_for(lambda: audit_amid_back_off(admin), "an audit amid a back-off")]
    typed: set[str] = set()

    def is_clean() -> bool:
        findings = filter(is_finding, said[-1].report["findings"])
        cures = {each["cure"]["command"] for each in findings} - typed
        typed.update(cures)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(admin.user.type, cures))
        said.append(admin.audit())
        return said[-1].code == 0

    try:
        admin.wait_for(
            is_clean, "an audit to be clean", seconds=_MENDING_SECONDS, interval_seconds=2
        )
    except TimeoutError as error:
        error.add_note(said[-1].text)
        raise
    return Audits(said[0], said[-1])


def audit_amid_back_off(admin: Admin) -> Answer | None:
    """Audit; None where a container was started meanwhile that keeps ending."""
    before = situations.back_offs(admin)
    answer = admin.audit()
    return answer if before and situations.back_offs(admin) == before else None


def is_finding(each: dict[str, str]) -> bool:
    """Tell whether somebody has to act."""
    return each["level"] == Level.FINDING


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_is_found_and_mended(audits: Audits, situation: Situation) -> None:
    """What is wrong is found at its owner, with evidence, and nothing else; then no longer."""
    of_owner = [
        each
        for (owner, _), each in found(audits.before, situation.namespace).items()
        if owner == situation.owner and is_finding(each)
    ]

    assert [each["reason"] for each in of_owner] == [situation.reason]
    assert of_owner[0]["evidence"]
    assert (situation.owner, situation.reason) not in found(audits.after, situation.namespace)


def test_nothing_else_is_found(audits: Audits) -> None:
    """No object is found of which nothing is wrong."""
    expected = {(each.namespace, each.owner, each.reason) for each in SITUATIONS}

    assert {
        (each["namespace"], f"{each['owner']['kind']}/{each['owner']['name']}", each["reason"])
        for each in audits.before.report["findings"]
        if is_finding(each)
    } == expected


def test_all_is_clean_in_the_end(audits: Audits) -> None:
    """After the printed commands there is no finding, and nothing that could not be told."""
    assert audits.after.code == 0
    assert audits.after.report["unknown"] == []
