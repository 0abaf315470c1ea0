"""The programs that build and keep images, each from a package of Debian."""

import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

from tests.controlplane.components import ComponentMissingError
from tests.programs import find, missing_packages, search_path, to_install

_TAIL_LINES: Final = 20
_LONGEST_SECONDS: Final = 600.0
"""What any step of building an image takes at most, on a slow machine and a slow network."""


class ProgramMissingError(ComponentMissingError):
    """A program is nowhere, or this machine cannot run it; the message says what would help."""


class ProgramFailedError(Exception):
    """A program failed; the message names it and shows the end of what it wrote."""


def require(*programs: str) -> None:
    """Make sure that programs are there, and that we may run them.

    Raises:
        ProgramMissingError: One is not there, or this is not root on Linux.
    """
    if platform.system() != "Linux" or os.geteuid() != 0:
        raise ProgramMissingError("Building and running images needs root on Linux.")
    if packages := missing_packages(programs):
        raise ProgramMissingError(
            f"Building and running images needs programs of Debian that are not here: "
            f"run `{to_install(packages)}`."
        )


def in_own_mounts(*command: str | Path) -> list[str | Path]:
    """Return a command line whose mounts nobody else sees, and which end with its last process.

    The process that is started becomes the command: its process id is the command's.
    """
    program, *arguments = command
    return [
        *("unshare", "--mount", "--propagation", "private", "--"),
        find(str(program)) or program,
        *arguments,
    ]


def run(
    command: Sequence[str | Path],
    environment: dict[str, str] | None = None,
    stdin: IO[bytes] | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        command: Program and arguments.
        environment: Variables beside those of this process.
        stdin: What it reads; nothing by default.

    Raises:
        ProgramFailedError: It failed, or did not end in ten minutes.
    """
    said = " ".join(map(str, command))
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603
            command,
            env=variables(environment),
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramFailedError(f"{said}\ndid not end in {_LONGEST_SECONDS:g} s") from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL_LINES:])
        raise ProgramFailedError(f"{said}\nended with code {done.returncode}:\n{tail}")
    return done.stdout


def variables(more: dict[str, Any] | None = None) -> dict[str, str]:
    """Return the variables of a program: ours, with the folders of administrators on PATH."""
    return {**os.environ, "PATH": search_path(), **(more or {})}
