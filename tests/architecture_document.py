"""The parts of docs/architecture.md that are made from the code, and the limits of its size.

``python -m tests.architecture_document`` writes them into the page and prints the figures that have
a limit; a test holds the page to the code, and the figures to their limits. The imports are those
that import-linter sees, by its own library: imports inside of functions count as well.
"""

import ast
import functools
import re
import tomllib
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import click
import grimp

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "architecture.md"
PACKAGES = ("webhook", "certs")
START = "webhook.__main__"
MOST_MODULES = 140
"""Modules in all packages, each ``__init__`` among them."""
LONGEST_CHAIN = 14
"""Modules in the deepest chain of imports that begins at :data:`START`, with both its ends."""


@functools.cache
def imports() -> dict[str, frozenset[str]]:
    """Find all modules, each with those of ours that it imports."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {
        module: frozenset(graph.find_modules_directly_imported_by(module))
        for module in sorted(graph.modules)
    }


def deepest_chain(graph: dict[str, frozenset[str]], start: str = START) -> tuple[str, ...]:
    """Find the longest way from a module along imports; of several the first by name.

    Raises:
        graphlib.CycleError: Imports go round in a circle, which the error names.
    """
    chains: dict[str, tuple[str, ...]] = {}
    for module in TopologicalSorter(graph).static_order():
        further = [chains[imported] for imported in sorted(graph[module])]
        chains[module] = (module, *max(further, key=len, default=()))
    return chains[start]


def objections(graph: dict[str, frozenset[str]]) -> list[str]:
    """Say which limits the code exceeds, and what to do about each."""
    found = []
    if len(graph) > MOST_MODULES:
        found.append(
            f"There are {len(graph)} modules, and at most {MOST_MODULES} are wanted: put the new "
            "code into the module that answers its question already (docs/architecture.md lists "
            "them), or join two modules that answer the same one."
        )
    chain = deepest_chain(graph)
    if len(chain) > LONGEST_CHAIN:
        found.append(
            f"A chain of imports has {len(chain)} modules, and at most {LONGEST_CHAIN} are wanted: "
            f"{' > '.join(chain)}. Hand over what the last ones offer as an argument, or join two "
            "neighbours of the chain that answer the same question."
        )
    return found


def picture() -> str:
    """Draw the rooms and their imports in Mermaid's words.

    An import that others imply (a room imports another, and that one the third) is left out, as
    otherwise there would be more arrows than anybody can follow; the table of rooms has all.
    """
    rooms = _rooms()
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"    {_node(room)}" for room in rooms]
    lines += [
        f"    {_identity(room)} --> {_identity(imported)}"
        for room, direct in rooms.items()
        for imported in direct
        if not any(imported in _reach(rooms, other) for other in direct)
    ]
    return "\n".join([*lines, "```", ""])


def figures() -> str:
    """Tell the two figures that have a limit, for the page."""
    graph = imports()
    return (
        f"{len(graph)} modules (at most {MOST_MODULES}). The deepest chain of imports has "
        f"{len(deepest_chain(graph))} modules (at most {LONGEST_CHAIN}).\n"
    )


def rooms() -> str:
    """List the rooms by layer, from the command line downwards, and what each imports."""
    lines = ["| layer | room | question | imports |", "|---|---|---|---|"]
    layers = dict(_layers())
    for room, direct in _rooms().items():
        names = ", ".join(f"`{_short(each)}`" for each in direct)
        lines.append(f"| {layers[room]} | `{_shown(room)}` | {_question(room)} | {names} |")
    return "\n".join([*lines, ""])


def modules() -> str:
    """List the modules of each room that has several, and what each answers."""
    parts = []
    for room in _rooms():
        inside = [module for module in imports() if module.startswith(f"{room}.")]
        if inside:
            parts += [f"### {_shown(room)}", "", "| module | answers |", "|---|---|"]
            parts += [
                f"| `{module.removeprefix(f'{room}.')}` | {_question(module)} |"
                for module in inside
            ]
            parts.append("")
    return "\n".join(parts)


PARTS: dict[str, Callable[[], str]] = {
    "picture": picture,
    "figures": figures,
    "rooms": rooms,
    "modules": modules,
}
"""The marked parts of the page, in any order there."""


def write() -> None:
    """Write the parts into the page."""
    text = DOCUMENT.read_text()
    for name, make in PARTS.items():
        begin, inside, end = _marked(text, name)
        text = text.replace(begin + inside + end, begin + make() + end)
    DOCUMENT.write_text(text)


def written(name: str) -> str:
    """Read a part that the page has."""
    return _marked(DOCUMENT.read_text(), name)[1]


def _marked(text: str, name: str) -> tuple[str, str, str]:
    """Find a part: its first mark, what is between the marks, and its last mark."""
    marks = rf"(<!-- {name} -->\n)(.*?)(<!-- end of {name} -->)"
    match = re.search(marks, text, re.DOTALL)
    assert match is not None, f"docs/architecture.md has no marks for the part {name}"
    return match[1], match[2], match[3]


def _rooms() -> dict[str, list[str]]:
    """Find the rooms in the order of their layers, each with the rooms that it imports."""
    graph = imports()
    order = [room for room, _ in _layers() if room in graph]
    return {
        room: [
            other
            for other in order
            if other != room
            and any(
                _room(imported) == other
                for module, direct in graph.items()
                if _room(module) == room
                for imported in direct
            )
        ]
        for room in order
    }


def _layers() -> Iterator[tuple[str, int]]:
    """Read the rooms of import-linter's contract with the number of their layer, the highest first.

    ``certs`` stands below them all.

    The package ``webhook`` itself holds nothing but the version, which everybody may import.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    for number, layer in enumerate(layers, 1):
        for room in re.split(r"\s*[|:]\s*", layer):
            yield f"webhook.{room}", number
    yield "certs", len(layers) + 1


def _reach(rooms: dict[str, list[str]], start: str) -> set[str]:
    """Find the rooms that one imports, directly or through others."""
    return {room for direct in rooms[start] for room in (direct, *_reach(rooms, direct))}


def _room(module: str) -> str:
    """Name the room of a module: a package, or a module directly in ``webhook``."""
    package, *below = module.split(".")
    return ".".join([package, *below[:1]]) if package == "webhook" else package


def _question(module: str) -> str:
    """Take the first sentence of a module's docstring, as Markdown."""
    text = ast.get_docstring(ast.parse(_path(module).read_text())) or ""
    summary = " ".join(text.partition("\n\n")[0].split())
    assert summary, f"{module} has no docstring"
    sentence = re.split(r"(?<=\.)\s", summary)[0].removesuffix(".")
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", sentence.replace("``", "`")).replace("|", "\\|")


def _path(module: str) -> Path:
    """Find the file of a module, or of a package."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _node(room: str) -> str:
    """Draw a room: a package with corners, a single module without."""
    opening, closing = ("[", "]") if _path(room).name == "__init__.py" else ("(", ")")
    label = _short(room).strip("_")  # to Mermaid, underscores around a word make it bold
    return f'{_identity(room)}{opening}"{label}"{closing}'


def _identity(room: str) -> str:
    """Name a room so that Mermaid takes the name for no keyword of its own, such as ``end``."""
    return "room_" + _short(room).strip("_")


def _short(room: str) -> str:
    """Name a room by its last word."""
    return room.rpartition(".")[2]


def _shown(room: str) -> str:
    """Name a room by its path."""
    path = _path(room).relative_to(ROOT)
    return f"{path.parent}/" if path.name == "__init__.py" else str(path)


def main() -> None:
    """Write the page, print the figures, and fail where a limit is exceeded.

    Raises:
        SystemExit: A limit is exceeded; the text says which.
    """
    write()
    click.echo(figures().strip())
    click.echo(" > ".join(deepest_chain(imports())))
    if found := objections(imports()):
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
