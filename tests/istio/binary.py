"""The binary that is istiod and istioctl, and rendering Istio's manifests with it."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tests.controlplane.components import missing
from tests.controlplane.process import run_to_end

BUILT_BINARY = Path(__file__).resolve().parents[2] / ".build" / "istio"
"""What this folder's Go module is built into."""


def command(
    program: Literal["pilot-discovery", "istioctl", "xds"], *, built_binary: Path = BUILT_BINARY
) -> list[str]:
    """Return the first words of the command line of a program.

    Args:
        program: the program's upstream name.
        built_binary: the binary built here.

    Raises:
        ComponentMissingError: it has not been built.
    """
    if os.access(built_binary, os.X_OK):
        return [str(built_binary), program]
    raise missing(program, built_binary)


def render(settings: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Return the YAML that `istioctl manifest generate` writes; it asks no cluster.

    It writes to a file: what it prints begins with a warning, since istiod and Istio's agent, which
    are in the same binary here, each register the variable POD_NAMESPACE.

    Args:
        settings: what `--set` takes, such as "components.cni.enabled".
        environment: all environment variables of istioctl.

    Raises:
        ComponentMissingError: there is no istioctl.
        subprocess.CalledProcessError: it failed; a note has what it wrote to standard error.
    """
    flags = [f"--set={path}={value}" for path, value in settings.items()]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "manifests.yaml"
        generate = ("manifest", "generate", "--output", str(output))
        run_to_end([*command("istioctl"), *generate, *flags], environment)
        return output.read_text()
