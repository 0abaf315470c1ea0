"""Renders as they were when somebody last read them.

The default render stands there whole, every other set of values as what it changes about that one.
``python -m tests.chart.golden`` writes them anew; read the difference before you commit it.
"""

import copy
import difflib
import functools
import io
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import walk_tree

from tests.chart.helm import Json
from tests.chart.value_sets import NAMES, rendered

FOLDER = Path(__file__).parent / "golden"
DEFAULT = "default"
USUAL: Final = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
)
"""Labels that every object has; a test of their own holds them."""


def write() -> None:
    """Write all of them."""
    for name in NAMES:
        path(name).write_text(now(name))


def path(name: str) -> Path:
    """Tell where a set of values has its render."""
    return FOLDER / (f"{name}.yaml" if name == DEFAULT else f"{name}.diff")


def now(name: str) -> str:
    """Render a set of values, in the form in which it is kept."""
    text = _text(name)
    if name == DEFAULT:
        return text
    changes = difflib.unified_diff(
        _text(DEFAULT).splitlines(), text.splitlines(), DEFAULT, name, lineterm="", n=2
    )
    # Line numbers would change with every line above them.
    return "".join("@@\n" if line.startswith("@@") else f"{line}\n" for line in changes)


@functools.cache
def _text(name: str) -> str:
    """Write all objects of a set in one order and one style, whichever Helm it was."""
    render = rendered(name)
    yaml = YAML()
    yaml.width = 1000
    things = sorted(render.objects, key=lambda thing: (thing["kind"], thing["metadata"]["name"]))
    shown = copy.deepcopy([*things, render.test_pod])
    for thing in shown:
        _shorten(thing)
    walk_tree(shown)  # text of several lines stays that
    stream = io.StringIO()
    yaml.dump_all(shown, stream)
    return stream.getvalue()


def _shorten(thing: Json) -> None:
    """Leave out what is the same everywhere, and what is a file of its own."""
    for metadata in (thing["metadata"], thing.get("spec", {}).get("template", {}).get("metadata")):
        if metadata is not None:
            for label in USUAL:
                del metadata["labels"][label]
    if thing["kind"] == "ConfigMap":
        thing["data"] = dict.fromkeys(thing["data"], "...")


if __name__ == "__main__":
    write()
