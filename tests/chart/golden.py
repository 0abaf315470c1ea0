"""Renders as they were when somebody last read them.

The default render stands there whole, every other set of values as what it changes about that one.
``python -m tests.chart.golden`` writes them anew; read the difference before you commit it.
"""

import copy
import difflib
import functools
from pathlib import Path
from typing import Final

import yaml

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


class Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Writes text of several lines as such, and no quotes twice."""


def _represent_text(dumper: Dumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else '"' if text.startswith("'") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


Dumper.add_representer(str, _represent_text)


@functools.cache
def _text(name: str) -> str:
    """Write all objects of a set in one order and one style, whichever Helm it was."""
    render = rendered(name)
    things = sorted(render.objects, key=lambda thing: (thing["kind"], thing["metadata"]["name"]))
    shown = copy.deepcopy([*things, *render.test_pods])
    for thing in shown:
        _shorten(thing)
    text: str = yaml.dump_all(shown, Dumper=Dumper, sort_keys=False, width=1000)
    return text


def _shorten(thing: Json) -> None:
    """Leave out what is the same everywhere, and what is a file of its own."""
    job = thing.get("spec", {}).get("jobTemplate", {})
    templates = (each.get("spec", {}).get("template", {}) for each in (thing, job))
    for each in (thing, job, *templates):
        for label in USUAL if "metadata" in each else ():
            del each["metadata"]["labels"][label]
    if "data" in thing:
        thing["data"] = dict.fromkeys(thing["data"], "...")


if __name__ == "__main__":
    write()
