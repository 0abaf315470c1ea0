"""The tables of docs/audit.md, made by audits of the examples of tests/unit/audit.

``python -m tests.audit_document`` writes them into the document; a test holds the two together.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.unit.audit.auditing import cluster
from tests.unit.audit.examples import EVERY_KIND, OF_AUDIT, OF_RULES
from tests.unit.audit.objects import Object
from webhook.admission.decision import Outcome, Reason, Sees
from webhook.admission.options import Options
from webhook.admission.registry import MUTATIONS
from webhook.admission.services import ServiceReason
from webhook.audit.findings import AuditReason, Finding
from webhook.audit.walk import Selection, run

DOCUMENT = Path(__file__).parents[1] / "docs" / "audit.md"
_GENERATED = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)
_HIDDEN = {Sees.SIDECAR, Sees.NODE, Sees.WAYPOINT}
_OF_UPDATES = {ServiceReason.TYPE_UNCHANGED}
"""Reasons that no existing object can show."""


def write() -> None:
    """Write the tables into the document."""
    made = tables()
    text = _GENERATED.sub(lambda found: found[1] + made[found[2]] + found[3], DOCUMENT.read_text())
    DOCUMENT.write_text(text)


def written() -> dict[str, str]:
    """Read the tables that the document has."""
    return {
        found[2]: found[0].removeprefix(found[1]).removesuffix(found[3])
        for found in _GENERATED.finditer(DOCUMENT.read_text())
    }


def tables() -> dict[str, str]:
    """Make all tables, by the names of their marks."""
    return {
        "reasons": "".join(_reasons()),
        "choices": "".join(_choices()),
        "notes": "".join(_notes()),
        "rights": "".join(_rights()),
    }


def found(reason: Reason | AuditReason, objects: tuple[Object, ...]) -> Finding:
    """Audit a cluster, and take the finding of a reason."""
    report = run(cluster(*objects), Options(), Selection())
    (finding,) = (each for each in report.findings if each.reason == reason)
    return finding


def _reasons() -> Iterator[str]:
    yield "| reason | level | when | what mends it |\n|---|---|---|---|\n"
    for reason in AuditReason:
        cure = "seen by `--live` only, see there"
        if reason in OF_AUDIT:
            cure = _cure(found(reason, OF_AUDIT[reason]))
        yield f"| `{reason}` | {reason.level} | {reason.sentence} | {cure} |\n"


def _choices() -> Iterator[str]:
    yield "| reason | when | what undoes it |\n|---|---|---|\n"
    for reason, objects in OF_RULES.items():
        yield f"| `{reason}` | {reason.sentence} | {_cure(found(reason, objects))} |\n"


def _notes() -> Iterator[str]:
    yield "| reason | why a rule leaves it alone | what is seen |\n|---|---|---|\n"
    for reason in (each for mutation in MUTATIONS for each in mutation.reasons):
        if reason.outcome is not Outcome.SKIPPED or reason in _OF_UPDATES:
            continue
        if reason.sees in _HIDDEN or reason.sees is None:
            yield f"| `{reason}` | {reason.sentence} | {reason.sees or 'depends'} |\n"


def _rights() -> Iterator[str]:
    yield "| verb | resource | API group |\n|---|---|---|\n"
    for group, resource, verb in sorted(rights()):
        yield f"| {verb} | {resource} | {group or 'core'} |\n"


def rights() -> set[tuple[str, str, str]]:
    """Tell which rights audits of all examples use: API group, resource and verb."""
    return {_right(path) for path in _asked()}


def _asked() -> Iterator[str]:
    """Tell the paths that the audits of all examples ask for, with and without ``-n``."""
    for objects in (*OF_AUDIT.values(), *OF_RULES.values(), EVERY_KIND):
        for names in ((), ("shop",)):
            played = cluster(*objects)
            run(played, Options(), Selection(namespaces=names))
            yield from played.asked


def _right(path: str) -> tuple[str, str, str]:
    """Tell which right a path needs: API group, resource and verb."""
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    return group, rest[0], "get" if len(rest) > 1 else "list"


def _cure(finding: Finding) -> str:
    """Write a cure into a cell: the command, and what to know."""
    command = finding.cure.command.replace("|", "\\|")
    said = [f"`{command}`"] if command else ["nothing is to be mended"]
    return ". ".join([*said, *([finding.cure.advice] if finding.cure.advice else [])])


if __name__ == "__main__":
    write()
