"""Reports as people read them: a table, and below it what to know and what to do."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from rich.console import Console

from webhook.audit import findings
from webhook.audit.findings import Evidence, Finding, Level, Live
from webhook.doctor import checks
from webhook.doctor.checks import Check, Status
from webhook.offline.columns import Row, write_rows

_AUDIT: Final = ("NAMESPACE", "OWNER", "OBJECTS", "REASON", "EVIDENCE")
_LIVE: Final = ("NAMESPACE", "OWNER", "PODS", "FROM SIDECAR", "FROM OTHERS", "CONNECTED TO")
_DOCTOR: Final = ("STATUS", "CHECK", "FOUND")
_STYLES: Final = {Level.FINDING: "yellow", Level.NOTE: "dim"}
_NARROW: Final = 14
"""Columns of an owner and of a reason on a terminal too narrow for the whole; no word of a reason
is longer."""
_LOUD: Final = "bold red"
_NAMED: Final = re.compile(r'@\.name=="([^"]+)"')
"""The name by which a path chooses one of a list."""
_TOLD_BY_NAME: Final = {"value", "args"}
"""Fields that need no name of their own beside that of the variable or the container."""
_DOT: Final = re.compile(r"(?<!\\)\.")
"""What stands between two names of a path."""
_STATUS_STYLES: Final = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.FAILED: _LOUD,
    Status.UNKNOWN: "magenta",
}


def write(report: findings.Report | checks.Report, stream: TextIO) -> None:
    """Write a report as a table.

    Args:
        report: That of an audit, or that of a doctor.
        stream: Where to.
    """
    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    if isinstance(report, findings.Report):
        _write_audit(console, report)
    else:
        _write_doctor(console, report)


def _write_audit(console: Console, report: findings.Report) -> None:
    """Write findings, notes, what could not be told, and what mends them."""
    ordered = sorted(report.findings, key=lambda each: each.level is Level.NOTE)
    if ordered:
        rows = [Row(_audit_cells(each), _STYLES[each.level]) for each in ordered]
        write_rows(console, _AUDIT, rows, lambda number: _narrow(ordered[number]))
        _say(console, "")
    sentences = {each.reason: each.sentence for each in ordered}
    for reason, sentence in sentences.items():
        _say(console, f"{reason}: {sentence}.", "dim")
    _write_cures(console, ordered)
    if report.live:
        write_rows(
            console, _LIVE, [Row(_live_cells(each), _live_style(each)) for each in report.live]
        )
        _say(console, "")
    for unknown in report.unknown:
        _say(console, f"Could not tell, {unknown.what}: {unknown.why}", _LOUD)
    if not report.namespaces and not report.unknown:
        _say(console, f"No namespace is opted in: label one with {report.label_key}=enabled.")
    if report.namespaces and not report.findings and not report.unknown:
        _say(console, "Every application sees its clients.", "green")
    style = {0: "green", 1: "yellow", 2: _LOUD}[report.exit_code]
    _say(console, _audit_total(report), style)


def _audit_cells(finding: Finding) -> tuple[str, ...]:
    """Write a finding as a row."""
    release = finding.owner.helm_release
    return (
        finding.namespace,
        finding.owner.title + (f" (Helm release {release})" if release else ""),
        str(finding.count),
        finding.reason,
        ", ".join(map(_shown, finding.evidence)),
    )


def _end_of(field: str) -> str:
    """Name a field by its end and by what it is one of: a row has no room for a whole path."""
    named, end = _NAMED.findall(field), _DOT.split(field)[-1].replace("\\", "")
    if not named:
        return end
    return named[-1] if end in _TOLD_BY_NAME else f"{named[-1]} {end}"


def _shown(evidence: Evidence) -> str:
    """Write a field and its value."""
    return f"{_end_of(evidence.field)}: {evidence.value}"


def _narrow(finding: Finding) -> tuple[str, ...]:
    """Write a finding as a row that is broken where a reader expects it."""
    namespace, owner, count_, reason, _ = _audit_cells(finding)
    owner = owner.replace("/", "/\n", 1) if len(owner) > _NARROW else owner
    evidence = "\n".join(map(_shown, finding.evidence))
    return namespace, owner, count_, textwrap.fill(reason, _NARROW), evidence


def _live_cells(live: Live) -> tuple[str, ...]:
    """Write what was seen in the Pods of an owner as a row."""
    peers = ", ".join(live.peers) or live.sentence
    counts = str(len(live.pods)), str(live.sidecar), str(live.others)
    return (live.namespace, live.owner.title, *counts, peers)


def _live_style(live: Live) -> str:
    if live.sidecar:
        return "yellow"
    return "green" if live.others else "dim"


def _write_cures(console: Console, ordered: Iterable[Finding]) -> None:
    """Write each command once, in a line of its own that a shell takes as it is."""
    cures = list(dict.fromkeys(each.cure for each in ordered))
    if any(cure.command or cure.advice for cure in cures):
        _say(console, "\nWhat mends it:")
    for cure in cures:
        if cure.advice:
            _say(console, f"  # {cure.advice}")
        if cure.command:
            _say(console, f"  {cure.command}", "bold")
    if cures:
        _say(console, "")


def _audit_total(report: findings.Report) -> str:
    """Count what was found, and what was looked at."""
    found = [each for each in report.findings if each.level is Level.FINDING]
    owners = {(each.namespace, each.owner) for each in found}
    notes = len(report.findings) - len(found)
    at = f" at {count(len(owners), 'owner')}" if found else ""
    return (
        f"{count(len(found), 'finding')}{at}, {count(notes, 'note')}; "
        f"{count(report.pods, 'Pod')} and {count(report.services, 'Service')} "
        f"in {count(len(report.namespaces), 'namespace')}."
    )


def _write_doctor(console: Console, report: checks.Report) -> None:
    """Write the checks by area, and below them evidence and cure of what is not well."""
    write_rows(console, _DOCTOR, list(_doctor_rows(report)))
    for check in report.checks:
        if check.status is not Status.OK and not check.needs:
            _say(console, f"\n{check.name}: {check.sentence}.", _STATUS_STYLES[check.status])
            for line in (*check.evidence, *filter(None, [check.cure])):
                _say(console, f"  {line}")
    if rights := sorted({right for check in report.checks for right in check.needs}):
        _say(console, "\nTo be told the rest, this user needs (docs/doctor.md has a ClusterRole):")
        for right in rights:
            _say(console, f"  {right}")
    counted = {each: sum(check.status is each for check in report.checks) for each in Status}
    total = ", ".join(f"{number} {status}" for status, number in counted.items() if number)
    style = {0: "green", 1: "yellow", 2: _LOUD}[report.exit_code]
    _say(console, f"\n{total or 'Nothing was checked'}.", style)


def _doctor_rows(report: checks.Report) -> Iterator[Row]:
    """Write each area, and below it the checks that belong to it."""
    for area in dict.fromkeys(check.area for check in report.checks):
        yield Row((area, "", ""), "bold")
        of_area: Iterable[Check] = (check for check in report.checks if check.area == area)
        for check in of_area:
            cells = (f"  {check.status}", check.name, check.sentence)
            yield Row(cells, _STATUS_STYLES[check.status])


def count(number: int, noun: str) -> str:
    """Write a number and what it counts."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _say(console: Console, line: str, style: str = "") -> None:
    """Write a line, which a terminal breaks and a pipe takes in one piece."""
    # Not even a terminal gets breaks within it: what is copied from there would have them too.
    console.print(line, style=style, soft_wrap=True)
