"""The binary of Helm 3, and running it so that nothing of the user's own set-up gets in."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.controlplane import ComponentMissingError

BUILT_BINARY = Path(__file__).resolve().parents[2] / ".build" / "helm3"
"""What this folder's Go module is built into."""

_SECONDS = 60.0


def run(*arguments: str, home: Path, kubeconfig: Path) -> str:
    """Run Helm 3 to its end.

    Args:
        arguments: What to do, such as "install", "x", "./chart".
        home: Where it keeps its caches and its configuration.
        kubeconfig: Of the cluster.

    Returns:
        What it writes to standard error, where the warnings of the API server go.

    Raises:
        ComponentMissingError: It has not been built.
        subprocess.CalledProcessError: It failed; a note has what it wrote to standard error.
    """
    if not os.access(BUILT_BINARY, os.X_OK):
        build = "run `make .build/helm3` (minutes, the first time)"
        if shutil.which("go") is None:
            build = f"install Go (https://go.dev/dl) and {build}"
        raise ComponentMissingError(
            f"Helm 3 is missing: there is no {BUILT_BINARY}. Please {build}"
        )
    try:
        return subprocess.run(  # noqa: S603 - no shell, and the caller is a test
            [BUILT_BINARY, *arguments],
            env={"PATH": os.defpath, "HOME": str(home), "KUBECONFIG": str(kubeconfig)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        ).stderr
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise
