"""How a row of a table of cases is made and judged."""

from typing import Any, NamedTuple

import pytest

from tests.unit.doctor.played import ask, healthy
from webhook.admission.options import Options
from webhook.doctor.checks import Status

OK, WARNING, FAILED, UNKNOWN = Status.OK, Status.WARNING, Status.FAILED, Status.UNKNOWN


class Case(NamedTuple):
    """What is different from a cluster that is all well, and what the check says of it."""

    says: str
    """The case in words."""
    check: str
    changes: dict[str, Any]
    """Objects by path, instead of those of a cluster that is all well."""
    statuses: tuple[Status, ...]
    """Of the verdicts, in their order."""
    words: tuple[str, ...] = ()
    """What sentences, evidence or cures say, all of them."""
    options: Options = Options()


def table(*cases: Case) -> pytest.MarkDecorator:
    """Mark a test that gets one case after the other."""
    return pytest.mark.parametrize(
        "case", [pytest.param(each, id=f"{each.check}: {each.says}") for each in cases]
    )


def judge(case: Case) -> None:
    """Make the check, and compare what it says; what is not OK has evidence and a cure."""
    verdicts = ask(case.check, healthy() | case.changes, case.options)
    assert tuple(each.status for each in verdicts) == case.statuses
    said = "\n".join("\n".join((each.sentence, *each.evidence, each.cure)) for each in verdicts)
    for words in case.words:
        assert words in said
    for each in verdicts:
        assert not each.sentence.endswith(".")
        if each.status in {WARNING, FAILED}:
            assert each.evidence
            assert each.cure
