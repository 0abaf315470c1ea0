"""A user at a terminal: a shell whose PATH has kubectl, helm, istioctl and source-ip-webhook."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.controlplane import components
from tests.helm3 import binary as helm3
from tests.istio import binary as istio

Json = dict[str, Any]

_REPOSITORY = Path(__file__).parents[2]
_SECONDS = 180.0


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command said, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> Json:
        """The JSON that it printed."""
        found: Json = json.loads(self.stdout)
        return found

    @property
    def text(self) -> str:
        """All that it said."""
        return self.stdout + self.stderr


class User:
    """A user of one cluster.

    Attributes:
        folder: The user's home.
        environment: All variables of what the user starts; nothing of this machine's user.
    """

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        """Put the programs on a PATH.

        Args:
            folder: For the programs, and the home of the user; has to be there.
            kubeconfig: Of the cluster.

        Raises:
            ComponentMissingError: A program has not been built.
        """
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir(exist_ok=True)
        for name, command in _programs().items():
            script = programs / name
            script.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n')
            script.chmod(0o755)
        path = (str(programs), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
        self.environment = {
            "PATH": os.pathsep.join(path),
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            # Coverage of processes, where it is measured, is asked for by variables.
            **{name: value for name, value in os.environ.items() if name.startswith("COV")},
        }

    def run(self, *command: str | Path, stdin: str = "", **environment: str) -> Answer:
        """Run source-ip-webhook to its end, whatever its end is.

        Args:
            command: Its arguments.
            stdin: What is typed.
            environment: Further variables.
        """
        return self._run(["source-ip-webhook", *map(str, command)], stdin, environment)

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Start source-ip-webhook; whoever calls ends it."""
        return subprocess.Popen(  # noqa: S603
            ["source-ip-webhook", *command],  # noqa: S607
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def type(self, line: str) -> str:
        """Type a line into a shell, as one that was printed, and return what it says.

        Raises:
            AssertionError: It failed; the message has what it said.
        """
        answer = self._run(["bash", "-euo", "pipefail", "-c", line], "", {})
        assert answer.code == 0, f"{line}\n{answer.text}"
        return answer.stdout

    def _run(self, command: list[str], stdin: str, environment: Mapping[str, str]) -> Answer:
        done = subprocess.run(  # noqa: S603 - the commands are ours, and those that ours print
            command,
            env={**self.environment, **environment},
            cwd=_REPOSITORY,  # where charts/source-ip-webhook is, as documents and cures say it
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in answer.text, answer.text
        return answer


def _programs() -> dict[str, tuple[str, ...]]:
    """Return the first words of the command line of each program."""
    return {
        "kubectl": components.find("kubectl").command,
        "helm": tuple(helm3.command()),
        "istioctl": tuple(istio.command("istioctl")),
    }
