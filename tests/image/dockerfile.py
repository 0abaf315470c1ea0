"""The Dockerfile, read into stages; and the files that a build may copy."""

import dataclasses
import fnmatch
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]


@dataclasses.dataclass
class Stage:
    """What follows one FROM."""

    base: str
    name: str
    steps: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """Instruction and the rest of its line."""

    def all(self, instruction: str) -> list[str]:
        """Return what all instructions of a kind say."""
        return [said for found, said in self.steps if found == instruction]


def stages() -> list[Stage]:
    """Read the Dockerfile."""
    found: list[Stage] = []
    for instruction, said in _lines():
        if instruction == "FROM":
            base, _, name = said.partition(" AS ")
            found.append(Stage(base, name))
        elif found:
            found[-1].steps.append((instruction, said))
    return found


def variables(stage: Stage) -> dict[str, str]:
    """Read the variables of an image, whose PATH continues that of its base."""
    pairs = [pair.partition("=") for said in stage.all("ENV") for pair in shlex.split(said)]
    return {name: value for name, _, value in pairs}


def context() -> Iterator[Path]:
    """Yield the files that .dockerignore lets into a build, relative to the repository."""
    patterns = [
        line
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    for top in {*REPOSITORY.iterdir()} - {REPOSITORY / ".git", REPOSITORY / ".venv"}:
        for path in [top, *top.rglob("*")]:
            relative = path.relative_to(REPOSITORY)
            if path.is_file() and _taken(relative, patterns):
                yield relative


def _lines() -> Iterator[tuple[str, str]]:
    """Yield the instructions, each in one line."""
    text = (REPOSITORY / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    for line in filter(None, text.splitlines()):
        instruction, _, said = line.partition(" ")
        yield instruction, said


def _taken(path: Path, patterns: list[str]) -> bool:
    """Tell whether a file is taken: the last pattern that fits it or a folder above it decides."""
    names = [str(path), *map(str, path.parents)]
    taken = True
    for pattern in patterns:
        plain = pattern.removeprefix("!").replace("**/", "*")
        if any(fnmatch.fnmatchcase(name, plain) for name in names):
            taken = pattern.startswith("!")
    return taken
