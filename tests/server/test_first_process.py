"""The first process of a container: Linux protects it from signals that it has no handler for."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cluster.processes import children
from tests.waiting import wait_for
from tests.webhook_process import COMMAND, DEADLINE, REPOSITORY

pytestmark = pytest.mark.e2e


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="takes root, unshare")
def test_sigterm_is_obeyed_before_anything_is_served() -> None:
    """SIGTERM ends what has not come to its own handlers; here it waits for standard input."""
    with subprocess.Popen(  # noqa: S603
        ["unshare", "--pid", "--fork", "--kill-child", *COMMAND, "preview", "-"],  # noqa: S607
        stdin=subprocess.PIPE,
        cwd=REPOSITORY,
    ) as unshare:
        (first,) = wait_for(lambda: children(unshare.pid), DEADLINE, "the first process")
        wait_for(lambda: catches(first, signal.SIGTERM), DEADLINE, "a handler")

        os.kill(first, signal.SIGTERM)

        assert unshare.wait(DEADLINE) == 128 + signal.SIGTERM


def catches(pid: int, number: int) -> bool:
    """Tell whether a process has a handler for a signal (proc_pid_status(5), SigCgt)."""
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return bool(int(status["SigCgt"], 16) >> (number - 1) & 1)
