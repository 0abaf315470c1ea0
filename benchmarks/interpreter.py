"""Which Python runs what is measured: the one that images have.

How CPython was compiled matters: with a profile, as Debian and the official images do it, it
answers up to a third more reviews than what a version manager compiles on a machine without one. So
the webhook, and the peers in Python, are run by Debian's where it is of this version. The image
that the tests build has the same.
"""

import functools
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import BUILD

_REPOSITORY: Final = BUILD.parent
_DEBIAN: Final = Path("/usr/bin")
"""Where Debian's package has it."""
_QUESTION: Final = "import platform as p; print(p.python_implementation(), p.python_version())"
_TIMEOUT: Final = 30.0


class Interpreter(NamedTuple):
    """A Python."""

    path: str
    """Its program."""
    release: str
    """Implementation and version, and whose it is."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which it finds our code, and the packages of this environment."""
        return {"PYTHONPATH": os.pathsep.join([str(_REPOSITORY), sysconfig.get_path("purelib")])}


@functools.cache
def measured(folder: Path = _DEBIAN) -> Interpreter:
    """Choose: Debian's, or this one where that is not there.

    Args:
        folder: Where Debian's would be.
    """
    # Packages with code of C are made for an implementation and its minor version.
    path = folder / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if path.exists() and (release := _release_of(path)).startswith("CPython "):
        return Interpreter(str(path), f"{release} of Debian")
    return Interpreter(sys.executable, f"{_release_of(Path(sys.executable))} of this environment")


def _release_of(path: Path) -> str:
    """Ask a Python what it is."""
    return subprocess.run(  # noqa: S603  a Python, no shell
        [path, "-I", "-c", _QUESTION], capture_output=True, text=True, check=True, timeout=_TIMEOUT
    ).stdout.strip()
