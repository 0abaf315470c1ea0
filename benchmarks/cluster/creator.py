"""The client that creates Pods, as the benchmark sees it: an order, and what became of it."""

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from benchmarks import BenchmarkError
from benchmarks.cluster.creating import Order, Outcome
from tests.cluster import Cluster
from tests.cluster.network import OUTSIDE

_REPOSITORY: Final = Path(__file__).parents[2]
_STOP_SECONDS: Final = 30.0


class Creator:
    """A process in the network of a cluster that creates Pods, in a ``with`` block.

    Args:
        command: Starts it; see `benchmarks.cluster.creating`.
        log: Receives what it writes to standard error.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._deleting = False

    @classmethod
    def outside(cls, cluster: Cluster) -> Self:
        """Describe one for a cluster that runs.

        It is not part of the cluster and reaches the API server over the network, as a controller
        or kubectl does, and not by the way that tests have from this machine, which is slower.
        """
        kubeconfig = cluster.folder / "controlplane" / "admin.kubeconfig"
        command = (sys.executable, "-m", "benchmarks.cluster.creating", str(kubeconfig))
        return cls(cluster.inside(OUTSIDE, *command), cluster.folder / "creating.log")

    def __enter__(self) -> Self:
        """Start it."""
        with self._log.open("ab") as log:
            # In a session of its own: it ends with its standard input, and not at Ctrl-C.
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=_REPOSITORY,
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it; if it is at work, without waiting for the end of that."""
        assert self._process is not None
        process, self._process = self._process, None
        if exc_type is not None:
            process.kill()
        try:
            process.communicate(timeout=_STOP_SECONDS)
        finally:
            process.kill()  # does nothing to a process that has been waited for
            process.wait()

    def create(self, order: Order) -> Outcome:
        """Have Pods created; deleting them has only begun when this returns.

        Args:
            order: Where, how many at a time, for how long.

        Raises:
            BenchmarkError: A creation failed, or the process has ended.
        """
        self.wait_until_deleted()
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and gives no answer
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
        outcome = msgspec.json.decode(self._line(), type=Outcome)
        self._deleting = True
        if outcome.failed:
            words = "; ".join(outcome.errors)
            raise BenchmarkError(
                f"{outcome.failed} of {outcome.requests} creations in {order.namespace} failed: "
                f"{words}. Nothing is to be learnt from the others: run it again."
            )
        return outcome

    def wait_until_deleted(self) -> None:
        """Wait until the Pods of the last order have gone, so that nobody has work with them.

        Raises:
            BenchmarkError: The process has ended.
        """
        if self._deleting:
            self._line()
            self._deleting = False

    def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            end = "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
            raise BenchmarkError(f"The process that creates Pods has ended:\n{end}")
        return line
