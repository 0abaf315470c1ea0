"""The code has the size and the shape that docs/architecture.md shows."""

import pytest

from tests import architecture_document as document


@pytest.mark.parametrize("part", document.PARTS)
def test_page_is_made_from_the_code(part: str) -> None:
    """The picture, the figures and the tables of the page are those of the code as it is."""
    assert document.written(part) == document.PARTS[part](), (
        "docs/architecture.md is out of date: run python -m tests.architecture_document"
    )


def test_code_keeps_its_limits() -> None:
    """There are not more modules, and no deeper chain of imports, than are wanted."""
    assert not (found := document.objections(document.imports())), "\n".join(found)


def test_what_to_do_is_said_where_a_limit_is_exceeded() -> None:
    """One module too many, in a chain that is too deep, gives a sentence for each limit."""
    names = [document.START, *(f"webhook.m{n}" for n in range(document.MOST_MODULES))]
    graph = {
        name: frozenset(names[place + 1 : place + 2] if place < document.LONGEST_CHAIN else [])
        for place, name in enumerate(names)
    }

    many, deep = document.objections(graph)

    assert f"There are {document.MOST_MODULES + 1} modules" in many
    assert f"has {document.LONGEST_CHAIN + 1} modules" in deep
    assert deep.index(document.START) < deep.index("webhook.m0")


def test_deepest_chain_is_the_longest_way() -> None:
    """Of two ways to the same module the longer one counts."""
    graph = {
        "a": frozenset({"b", "d"}),
        "b": frozenset({"c"}),
        "c": frozenset({"d"}),
        "d": frozenset[str](),
    }

    assert document.deepest_chain(graph, "a") == ("a", "b", "c", "d")
