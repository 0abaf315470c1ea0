"""What is imported is declared, so that no other package's next release can take it away."""

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"benchmarks", "certs", "tests", "webhook"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def imported(folder: str) -> set[str]:
    """Name the packages outside the standard library that a folder's modules import."""
    names: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in statements(ast.parse(path.read_text("utf-8"))):
            names.update(module.partition(".")[0] for module in modules(node))
    return names - OURS - sys.stdlib_module_names


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements in a node; no import is in an expression, and most of a tree is."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield child
            yield from statements(child)


def modules(node: ast.AST) -> Iterator[str]:
    """Name the modules that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


def names(requirements: Iterable[str | dict[str, Any]]) -> set[str]:
    """Name the distributions of requirements, normalised as PEP 503 asks."""
    texts = (each for each in requirements if isinstance(each, str))
    return {normal(re.split(r"[\s<>=!~;\[]", text, maxsplit=1)[0]) for text in texts}


def normal(name: str) -> str:
    """Normalise a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@functools.cache
def installed() -> Mapping[str, list[str]]:
    """Tell which distributions have a package; reads what is installed, once."""
    return packages_distributions()


@pytest.mark.parametrize(
    ("folder", "groups"),
    [
        ("webhook", ()),
        ("certs", ()),
        ("tests", ("test", "fuzz")),
        ("benchmarks", ("test", "bench")),
    ],
)
def test_every_imported_package_is_declared(folder: str, groups: tuple[str, ...]) -> None:
    """Each third-party module that a folder imports belongs to a package that it declares."""
    declared = names(PROJECT["project"]["dependencies"]).union(
        *(names(PROJECT["dependency-groups"][group]) for group in groups)
    )
    distributions = installed()
    undeclared = {
        module
        for module in imported(folder)
        if declared.isdisjoint(map(normal, distributions.get(module, [module])))
    }
    assert undeclared == set()


@pytest.mark.parametrize("name", ["httptools", "kubernetes", "starlette", "uvicorn", "uvloop"])
def test_what_is_used_beyond_its_promises_has_an_upper_bound(name: str) -> None:
    """No release is taken that nobody has read, and the one that is locked is below the bound."""
    (bound,) = (
        found[1]
        for text in PROJECT["project"]["dependencies"]
        if normal(text).startswith(name) and (found := re.search(r"<([\d.]+)", text))
    )

    assert numbers(version(name)) < numbers(bound)


def numbers(text: str) -> tuple[int, ...]:
    """Read the numbers of a release."""
    return tuple(map(int, text.split(".")))
