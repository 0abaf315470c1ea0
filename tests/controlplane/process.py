"""Child processes: run to their end, or started, watched while they come up, stopped by their pid.

``tests/webhook_process.py`` starts the webhook itself.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

import urllib3

from tests.waiting import wait_for

_EXIT_ON_STDIN_EOF = "CONTROLPLANE_EXIT_ON_STDIN_EOF"  # main.go
_LOG_TAIL_LINES = 15


def run_to_end(
    command: Sequence[str | Path], environment: Mapping[str, str], timeout_seconds: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with nothing on its standard input.

    Args:
        command: program and arguments.
        environment: all of its environment variables.
        timeout_seconds: how long it may take.

    Raises:
        subprocess.CalledProcessError: it failed; a note has what it wrote to standard error.
    """
    try:
        return subprocess.run(  # noqa: S603 - no shell, and the caller is a test
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise


def answers_ok(url: str, timeout_seconds: float = 5.0) -> bool:
    """Tell whether a server answers a GET with 200, for example one that asks if it is ready."""
    with urllib3.PoolManager(retries=False, timeout=timeout_seconds) as pool:
        try:
            return pool.request("GET", url).status == HTTPStatus.OK
        except urllib3.exceptions.HTTPError:
            return False


class StartError(Exception):
    """A child process did not come up; the message names its log file and shows the end of it."""


class PortTakenError(StartError):
    """A child process ended because somebody else listens on its port."""


class Child:
    """A running child process.

    Attributes:
        name: what it is called in errors.
        log_file: where its output goes, after what earlier processes of that name wrote.
    """

    def __init__(
        self, name: str, command: Sequence[str], log_file: Path, environment: Mapping[str, str]
    ) -> None:
        """Start the process.

        Its standard input is a pipe that nothing is written to: our binary ends when the pipe does,
        so that a killed test run leaves nothing behind. In a session of its own it does not get the
        terminal's Ctrl-C, so that it is stopped in our order.

        Args:
            name: what to call it in errors.
            command: program and arguments.
            log_file: receives standard output and error, appended.
            environment: all of its environment variables.

        Raises:
            OSError: the program cannot be executed, or the log file cannot be written.
        """
        self.name = name
        self.log_file = log_file
        with log_file.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - no shell, and the caller is a test
                list(command),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment, _EXIT_ON_STDIN_EOF: "1"},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the process has not ended yet."""
        return self._process.poll() is None

    def log(self) -> str:
        """Return what this process wrote, without the output of its predecessors."""
        with self.log_file.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def wait_until_ready(self, is_ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Wait until `is_ready` is true.

        Args:
            is_ready: asks the process whether it can be used.
            timeout_seconds: how long to wait.

        Raises:
            PortTakenError: the process ended because its port is taken.
            StartError: the process ended, or is not ready in time.
        """
        try:
            wait_for(lambda: not self.is_running() or is_ready(), timeout_seconds, self.name)
        except TimeoutError:
            raise StartError(self._describe(f"not ready after {timeout_seconds:g} s")) from None
        if not self.is_running():
            taken = "address already in use" in self.log()
            raise (PortTakenError if taken else StartError)(
                self._describe(f"ended with code {self._process.returncode}")
            )

    def stop(self, grace_seconds: float = 15.0) -> None:
        """End the process, by SIGTERM or else by SIGKILL; fine if it has ended already.

        Args:
            grace_seconds: how long it may take to end after SIGTERM.
        """
        self._process.terminate()  # does nothing to a process that has been waited for
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _describe(self, problem: str) -> str:
        tail = "\n".join(self.log().splitlines()[-_LOG_TAIL_LINES:])
        return f"{self.name}: {problem}; the end of {self.log_file}:\n{tail}"
