"""What fuzzing starts from: the recorded reviews, and every situation that the rules know."""

import json
from typing import Final

from tests.reviews import RECORDED, recorded
from tests.situations import ENABLED, SITUATIONS


def _labels() -> list[dict[str, str]]:
    """Collect the labels that namespaces have in the table, each once, our own first."""
    found = [ENABLED]
    for situation in SITUATIONS:
        if situation.namespace is not None and situation.namespace not in found:
            found.append(situation.namespace)
    return found


NAMESPACES: Final = {f"fuzz-{number}": labels for number, labels in enumerate(_labels())}
"""Labels by the name of a namespace."""

REVIEWS: Final = tuple(
    [recorded(path.name) for path in sorted(RECORDED.iterdir())]
    + [situation.review() for situation in SITUATIONS]
)
"""Reviews that are answered."""


def namespaces_file() -> str:
    """Write the namespaces as ``serve --namespaces`` reads them; JSON is YAML."""
    return "\n---\n".join(
        json.dumps(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        )
        for name, labels in NAMESPACES.items()
    )
