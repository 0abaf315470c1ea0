"""promtool, Prometheus' own judge of alerts: on PATH, or built by this folder's Go module."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.controlplane.components import missing

BUILT_BINARY = Path(__file__).resolve().parents[2] / ".build" / "promtool"
"""What this folder's Go module is built into."""


def promtool(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it to its end.

    Args:
        args: What to do, such as ``test rules FILE``.

    Raises:
        ComponentMissingError: There is none.
    """
    built = str(BUILT_BINARY) if os.access(BUILT_BINARY, os.X_OK) else None
    binary = built or shutil.which("promtool")
    if binary is None:
        raise missing("promtool", BUILT_BINARY, otherwise="put one on PATH")
    return subprocess.run(  # noqa: S603 - no shell, and the caller is a test
        [binary, *map(str, args)], capture_output=True, text=True, check=False
    )
