"""What only the text of the Dockerfile tells."""

import re
from collections.abc import Iterator

from tests.images.places import REPOSITORY

TEXT = (REPOSITORY / "Dockerfile").read_text()


def instructions() -> Iterator[tuple[str, str]]:
    """Yield each instruction with the rest of its line."""
    text = re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)
    for line in filter(None, re.sub(r"\\\n\s*", "", text).splitlines()):
        instruction, _, said = line.partition(" ")
        yield instruction, said


def test_stages_have_one_base_that_can_be_pinned() -> None:
    """Both stages start from the one base that is given from outside, a slim one by default."""
    bases = [said for instruction, said in instructions() if instruction == "FROM"]

    assert bases == ["${PYTHON} AS build", "${PYTHON}"]
    assert re.search(r"^ARG PYTHON=docker\.io/library/python:3\.\d+-slim$", TEXT, re.MULTILINE)


def test_last_stage_installs_nothing() -> None:
    """What runs is copied from the first stage; no step of the last one runs anything."""
    steps = list(instructions())
    last = steps[steps.index(("FROM", "${PYTHON}")) :]

    assert [said for instruction, said in last if instruction in {"ADD", "COPY", "RUN"}] == [
        "LICENSE /app/",
        "--from=build /app /app",
    ]


def test_dependencies_are_held_by_hash() -> None:
    """Every installation asks for hashes, takes wheels only, and reads requirements/run.txt."""
    (install,) = (
        said for instruction, said in instructions() if instruction == "RUN" and " install " in said
    )

    assert {"--require-hashes", "--only-binary", "/build/run.txt"} <= set(install.split())
