"""The tables of docs/doctor.md, made from the checks themselves.

``python -m tests.doctor_document`` writes them into the document; a test holds the two together.
"""

import itertools
import operator
import re
from collections.abc import Iterator
from pathlib import Path

from webhook.doctor.run import RIGHTS, SUBJECTS

DOCUMENT = Path(__file__).parents[1] / "docs" / "doctor.md"
_GENERATED = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def write() -> None:
    """Write the tables into the document."""
    made = {"checks": checks(), "rights": rights()}
    text = _GENERATED.sub(lambda found: found[1] + made[found[2]] + found[3], DOCUMENT.read_text())
    DOCUMENT.write_text(text)


def written() -> dict[str, str]:
    """Read the tables that the document has."""
    return {
        found[2]: found[0].removeprefix(found[1]).removesuffix(found[3])
        for found in _GENERATED.finditer(DOCUMENT.read_text())
    }


def checks() -> str:
    """Make the tables of checks, one for each area."""
    lines: list[str] = []
    for area, subjects in itertools.groupby(SUBJECTS, key=operator.attrgetter("area")):
        lines += [f"### {area}", "", "| check | all is well when | why | what mends it |"]
        lines += ["|---|---|---|---|"]
        lines += [
            f"| `{each.name}` | {each.about} | {each.why} | {each.cure} |" for each in subjects
        ]
        lines += [""]
    return "\n".join(lines)


def rights() -> str:
    """Make the ClusterRole that has every right, and no more."""
    return "\n".join(["```yaml", *_role(), "```", ""])


def _role() -> Iterator[str]:
    """Write the ClusterRole, one rule for each group and set of verbs."""
    yield "apiVersion: rbac.authorization.k8s.io/v1"
    yield "kind: ClusterRole"
    yield "metadata:"
    yield "  name: source-ip-webhook-doctor"
    yield "rules:"
    verbs: dict[tuple[str, str], set[str]] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for right in RIGHTS:
        place = right.group, right.resource
        verbs.setdefault(place, set()).add(right.verb)
        names.setdefault(place, set()).update([right.name] * bool(right.name))
    rules: dict[tuple[str, str, str], list[str]] = {}
    for place, allowed in sorted(verbs.items()):
        key = place[0], ", ".join(sorted(allowed)), ", ".join(sorted(names[place]))
        rules.setdefault(key, []).append(place[1])
    for (group, listed, named), resources in rules.items():
        if all(each.startswith("/") for each in resources):
            yield f"  - nonResourceURLs: [{', '.join(resources)}]"
        else:
            yield f'  - apiGroups: ["{group}"]'
            yield f"    resources: [{', '.join(resources)}]"
        if named:
            yield f"    resourceNames: [{named}]"
        yield f"    verbs: [{listed}]"


if __name__ == "__main__":
    write()
