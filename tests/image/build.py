"""Build the image's own layer: COPY and RUN of every stage, each stage in a clean root.

``unshare --mount python -m tests.image.build FOLDER``
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.image import root
from tests.image.dockerfile import REPOSITORY, Stage, context, stages


def build(work: Path, layer: Path) -> None:
    """Build.

    Args:
        work: A folder for the roots.
        layer: Where the files go that the last stage has made; it is not there yet.
    """
    roots: dict[str, Path] = {}
    for number, stage in enumerate(stages()):
        folder = work / str(number)
        folder.mkdir(parents=True)
        roots[stage.name], made = root.writable(folder)
        _take_steps(stage, roots)
    shutil.rmtree(made / "usr")  # the stand-in for the base image's Python
    shutil.rmtree(made / "root", ignore_errors=True)
    subprocess.run(["cp", "-a", made, layer], check=True)  # noqa: S603, S607


def _take_steps(stage: Stage, roots: dict[str, Path]) -> None:
    here = roots[stage.name]
    for instruction, said in stage.steps:
        if instruction == "RUN":
            command = ["chroot", str(here), "/bin/sh", "-ec", said]
            subprocess.run(command, check=True, env=_environment(), cwd="/")  # noqa: S603
        elif instruction == "COPY":
            *flags, source, target = said.split()
            place = here / target.lstrip("/")
            if flags:
                (flag,) = flags
                _copy(roots[flag.removeprefix("--from=")] / source.lstrip("/"), place)
            else:
                _copy_context(Path(source), place, into=target.endswith("/"))


def _environment() -> dict[str, str]:
    """Keep what leads pip to a registry, and nothing that leads Python to this repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def _copy_context(source: Path, target: Path, *, into: bool) -> None:
    """Copy a file or a folder of the repository, but nothing that .dockerignore keeps out."""
    for path in context():
        if path.is_relative_to(source):
            rest = path.relative_to(source)
            place = target / path.name if into else target / rest
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / path, place)


if __name__ == "__main__":
    build(Path(sys.argv[1]) / "work", Path(sys.argv[1]) / "layer")
