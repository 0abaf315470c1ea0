"""The binary that is istiod and istioctl, and rendering Istio's manifests with it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tests.controlplane import ComponentMissingError

BUILT_BINARY = Path(__file__).resolve().parents[2] / ".build" / "istio"
"""What this folder's Go module is built into."""

_RENDERING_SECONDS = 60.0


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
    build = "run `make .build/istio` (minutes, the first time)"
    if shutil.which("go") is None:
        build = f"install Go (https://go.dev/dl) and {build}"
    raise ComponentMissingError(f"{program} is missing: there is no {built_binary}. Please {build}")


def render(settings: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Return the YAML that `istioctl manifest generate` prints; it asks no cluster.

    Args:
        settings: what `--set` takes, such as "components.cni.enabled".
        environment: all environment variables of istioctl.

    Raises:
        ComponentMissingError: there is no istioctl.
        subprocess.CalledProcessError: it failed; a note has what it wrote to standard error.
    """
    flags = [f"--set={path}={value}" for path, value in settings.items()]
    try:
        return subprocess.run(  # noqa: S603 - no shell, and the caller is a test
            [*command("istioctl"), "manifest", "generate", *flags],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_RENDERING_SECONDS,
            check=True,
        ).stdout
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise
