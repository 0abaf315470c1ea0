"""Running kubectl so that nothing of the user's own set-up gets in."""

import subprocess
from collections.abc import Mapping

from tests.controlplane.components import Component


def run(
    component: Component,
    args: tuple[str, ...],
    *,
    environment: Mapping[str, str],
    stdin: str | None,
    timeout_seconds: float,
    check: bool,
) -> subprocess.CompletedProcess[str]:
    """Run kubectl to its end and return its code and output.

    Args:
        component: kubectl.
        args: what to do.
        environment: all of its environment variables; its caches go below HOME.
        stdin: text on its standard input, if any.
        timeout_seconds: how long it may take.
        check: whether a code other than 0 is an error.

    Raises:
        subprocess.CalledProcessError: kubectl failed; a note has what it wrote to standard error.
        subprocess.TimeoutExpired: kubectl did not end in time, and was killed.
    """
    result = subprocess.run(  # noqa: S603 - no shell, and the caller is a test
        [*component.command, *args],
        env=environment,
        input=stdin or "",  # never the terminal
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    if check and result.returncode != 0:
        error = subprocess.CalledProcessError(
            result.returncode, ["kubectl", *args], result.stdout, result.stderr
        )
        error.add_note(result.stderr)
        raise error
    return result
