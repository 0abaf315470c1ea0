"""Containers of our image, held as the chart holds them: runc, a read-only root, no capability."""

import contextlib
import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.controlplane import JsonObject
from tests.images import building, names
from tests.images.containerd import Containerd
from tests.images.programs import ProgramFailedError, run, variables
from tests.waiting import wait_for

VOLUME: Final = "/etc/source-ip-webhook/tls"
"""Where the chart mounts the certificate."""
DEADLINE: Final = 60.0
"""Seconds within which a command ends, or a server serves."""

_DEFAULT_CAPABILITIES: Final = (
    *("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID"),
    *("SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"),
)
"""What containerd gives to a container of which nothing is said."""
_TEMPORARY: Final = "type=tmpfs,src=tmpfs,dst=/tmp,options=mode=1777"


class Containers:
    """Starts containers.

    Attributes:
        configuration: What the image says of itself: user, entry point, variables, labels, ports.
    """

    def __init__(self, daemon: Containerd, volume: Path) -> None:
        """Learn about the image.

        Args:
            daemon: It has the image.
            volume: What is mounted at `VOLUME`, read-only.
        """
        self._daemon = daemon
        self._volume = volume
        self._numbers = itertools.count()
        self.configuration: JsonObject = building.describe(names.WEBHOOK)["OCIv1"]["config"]

    @property
    def entry_point(self) -> list[str]:
        """The first words of every command of ours."""
        words: list[str] = self.configuration["Entrypoint"]
        return words

    @contextlib.contextmanager
    def started(
        self, *command: str, options: tuple[str, ...] = (), temporary: bool = False, **how: Any
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a container for the length of a block, in the machine's own network.

        Args:
            command: What runs in it, in the place of the entry point.
            options: Further options of ``ctr run``.
            temporary: Whether ``/tmp`` is a folder in memory that anybody can write to.
            how: For Popen, beside that standard output is a pipe.
        """
        name = f"image-test-{os.getpid()}-{next(self._numbers)}"
        held = [
            *("--net-host", "--read-only"),
            *(f"--cap-drop=CAP_{capability}" for capability in _DEFAULT_CAPABILITIES),
            f"--mount=type=bind,src={self._volume},dst={VOLUME},options=rbind:ro",
            *((f"--mount={_TEMPORARY}",) if temporary else ()),
            *options,
        ]
        with subprocess.Popen(  # noqa: S603
            self._daemon.run_command(name, names.WEBHOOK, command, held),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=variables(),
            **how,
        ) as process:
            try:
                yield process
            finally:
                self._end(name, process)

    def _end(self, name: str, process: subprocess.Popen[str]) -> None:
        """Kill what still runs; its client removes the container then, and ends."""
        with contextlib.suppress(ProgramFailedError):  # it has ended by itself
            run(self._daemon.command("tasks", "kill", "--signal=SIGKILL", name))
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()

    def run(
        self, *command: str, code: int = 0, options: tuple[str, ...] = (), temporary: bool = False
    ) -> str:
        """Run a container to its end and return what it printed, errors included.

        Args:
            command: As for `started`.
            code: How it has to end.
            options: As for `started`.
            temporary: As for `started`.
        """
        with self.started(
            *command, options=options, temporary=temporary, stderr=subprocess.STDOUT
        ) as process:
            out, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode == code, out
        return out

    def run_ours(self, *arguments: str, **how: Any) -> str:
        """Run one of our own commands to its end, as `run` does."""
        return self.run(*self.entry_point, *arguments, **how)

    @contextlib.contextmanager
    def serving(
        self, log: Path, *flags: str, **how: Any
    ) -> Iterator[tuple[subprocess.Popen[str], JsonObject]]:
        """Run ``serve`` on free ports; later flags win over earlier ones.

        Args:
            log: Receives its log.
            flags: Of ``serve``.
            how: As for `started`.

        Yields:
            Its client, which passes signals on, and the event that tells its ports.
        """
        with (
            log.open("w") as output,
            self.started(
                *(*self.entry_point, "serve", *flags, "--port=0", "--ops-port=0", "--drain=0"),
                stderr=output,
                **how,
            ) as process,
        ):

            def serving() -> JsonObject | None:
                assert process.poll() is None, log.read_text()
                whole, _, _ = log.read_text().rpartition("\n")
                events = map(json.loads, whole.splitlines())
                return next((event for event in events if event["event"] == "serving"), None)

            yield process, wait_for(serving, DEADLINE, f"{log} to tell that it serves")
