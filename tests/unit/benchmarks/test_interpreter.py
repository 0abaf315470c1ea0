"""Which Python runs what is measured."""

import subprocess
import sys
from pathlib import Path

from benchmarks import interpreter


def test_debians_is_taken_where_it_is_of_this_version(tmp_path: Path) -> None:
    """It is named with its release, and finds what this environment has."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (tmp_path / name).symlink_to(sys.executable)
    chosen = interpreter.measured(tmp_path)
    done = subprocess.run(  # noqa: S603
        [chosen.path, "-c", "import msgspec, webhook"], env=chosen.environment, check=False
    )

    assert chosen.path == str(tmp_path / name)
    assert chosen.release == f"CPython {sys.version.split()[0]} of Debian"
    assert done.returncode == 0


def test_this_one_is_taken_where_there_is_no_other(tmp_path: Path) -> None:
    """So benchmarks run anywhere, and say what ran."""
    chosen = interpreter.measured(tmp_path)

    assert chosen.path == sys.executable
    assert chosen.release.endswith("of this environment")
