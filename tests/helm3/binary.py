"""The binary of Helm 3, and running it so that nothing of the user's own set-up gets in."""

import os
from pathlib import Path

from tests.controlplane.components import missing
from tests.controlplane.process import run_to_end

BUILT_BINARY = Path(__file__).resolve().parents[2] / ".build" / "helm3"
"""What this folder's Go module is built into."""


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
    environment = {"PATH": os.defpath, "HOME": str(home), "KUBECONFIG": str(kubeconfig)}
    return run_to_end([*command(), *arguments], environment).stderr


def command() -> list[str]:
    """Return the first words of Helm 3's command line.

    Raises:
        ComponentMissingError: It has not been built.
    """
    if not os.access(BUILT_BINARY, os.X_OK):
        raise missing("Helm 3", BUILT_BINARY)
    return [str(BUILT_BINARY)]
