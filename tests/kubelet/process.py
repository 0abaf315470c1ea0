"""One run of a container: a process, from its start to its end."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.kubelet.hooks import Hook
from tests.kubelet.images import REPOSITORY
from tests.kubelet.plan import Plan

_LEAST_GRACE_SECONDS = 2.0
"""What is left after a preStop hook, be it ever so long (killContainer in kuberuntime)."""


class ContainerProcess:
    """A process that has become a container, or is about to.

    Attributes:
        pid: its process id, from the first moment on.
        started_at: when it was started, in seconds since the epoch.
    """

    def __init__(self, plan: Plan, plan_file: Path, log_file: Path) -> None:
        """Start it. It ends with the calling thread, whatever becomes of that.

        Args:
            plan: what to become.
            plan_file: where to write that down.
            log_file: receives standard output and error, appended.
        """
        plan.write(plan_file)
        Path(plan.root).mkdir(exist_ok=True)
        launcher = (sys.executable, "-S", "-m", "tests.kubelet.launch")
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours, no shell
                [*launcher, str(plan_file), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PYTHONPATH": str(REPOSITORY)},
                pass_fds=(plan.network,),
                start_new_session=True,  # so that what it starts can be killed with it
            )
        self.pid = self._process.pid
        self.started_at = time.time()
        self._stopper: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def exit_code(self) -> int | None:
        """Its exit code as a container runtime tells it; None as long as it runs."""
        code = self._process.poll()
        if code is None:
            return None
        return code if code >= 0 else 128 - code

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopper is not None

    def stop(self, grace_seconds: float, pre_stop: Hook) -> None:
        """Have it stopped, and do not wait: preStop, SIGTERM, SIGKILL; fine if it is told already.

        Args:
            grace_seconds: from now until SIGKILL; the hook's time counts, as in "Pod Lifecycle".
            pre_stop: the preStop hook.
        """
        if self._stopper is None:
            self._stopper = threading.Thread(
                target=self._stop, args=(grace_seconds, pre_stop), name=f"stop-{self.pid}"
            )
            self._stopper.start()

    def close(self) -> None:
        """Kill it and what it has started, and wait; fine if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._closed.set()
        if self._stopper is not None:
            self._stopper.join()

    def _stop(self, grace_seconds: float, pre_stop: Hook) -> None:
        deadline = time.monotonic() + grace_seconds
        pre_stop(grace_seconds, self._closed)
        self._process.terminate()
        left = max(deadline - time.monotonic(), min(grace_seconds, _LEAST_GRACE_SECONDS))
        try:
            self._process.wait(left)
        except subprocess.TimeoutExpired:
            self._process.kill()
