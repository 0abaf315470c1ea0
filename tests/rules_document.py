"""The tables of docs/rules.md, made from the rules themselves.

``python -m tests.rules_document`` writes them into the document; a test holds the two together.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.situations import SITUATIONS, Situation
from webhook.admission.answer import receive
from webhook.admission.decision import Reason
from webhook.admission.mutation import Case, Mutation
from webhook.admission.registry import MUTATIONS

DOCUMENT = Path(__file__).parents[1] / "docs" / "rules.md"
_GENERATED = re.compile(r"(<!-- tables -->\n).*(<!-- end of tables -->)", re.DOTALL)


class Row(NamedTuple):
    """A rule, one reason that it gives, and the situations that prove it."""

    rule: Callable[..., Any]
    reason: Reason
    proofs: list[Situation]


def write() -> None:
    """Write the tables into the document."""
    DOCUMENT.write_text(_GENERATED.sub(rf"\1{tables()}\2", DOCUMENT.read_text()))


def written() -> str:
    """Read the tables that the document has."""
    match = _GENERATED.search(DOCUMENT.read_text())
    assert match is not None
    return match[0].removeprefix(match[1]).removesuffix(match[2])


def tables() -> str:
    """Make the tables: for each mutation its rules in order, each with its reasons."""
    return "\n".join(map(_table, MUTATIONS))


def _table(mutation: Mutation[Any]) -> str:
    of_kind = [each for each in MUTATIONS if each.kind is mutation.kind]
    title = f"{mutation.kind.__name__}s" + f": `{mutation.member[-1]}`" * (len(of_kind) > 1)
    lines = [
        f"### {title}",
        "",
        "| reason | outcome | when | rule and its source | proved by |",
        "|---|---|---|---|---|",
        *(_line(row) for row in rows(mutation)),
        "",
    ]
    return "\n".join(lines)


def rows(mutation: Mutation[Any]) -> Iterator[Row]:
    """Let every situation of the table find its rule; the order is that of the rules."""
    found: dict[tuple[int, Reason], list[Situation]] = {}
    for situation in SITUATIONS:
        admission = receive(situation.review())
        if mutation not in admission.mutations[situation.place :][:1]:
            continue
        case = Case(
            admission.object,
            admission.old_object,
            situation.namespace,
            situation.options,
            admission.request.namespace,
            situation.known_sidecars(),
        )
        outcomes = enumerate(rule(case) for rule in mutation.all_rules)
        for place, decision in outcomes:
            if decision is not None:
                found.setdefault((place, decision.reason), []).append(situation)
                break
    for (place, reason), proofs in sorted(found.items(), key=lambda item: item[0][0]):
        yield Row(mutation.all_rules[place], reason, proofs)


def _line(row: Row) -> str:
    more = f" and {len(row.proofs) - 1} more" if len(row.proofs) > 1 else ""
    module = row.rule.__module__.rpartition(".")[2]
    cells = (
        f"`{row.reason}`",
        row.reason.outcome,
        row.reason.sentence,
        f"`{module}.{row.rule.__name__}`: {_source(row.rule)}",
        f"*{row.proofs[0].says}*{more}",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _source(rule: Callable[..., Any]) -> str:
    """Take the source of a rule out of its docstring."""
    _, _, source = inspect.cleandoc(rule.__doc__ or "").partition("Source:\n")
    assert source, f"{rule.__name__} names no source"
    return " ".join(source.split()).replace("``", "`")


if __name__ == "__main__":
    write()
