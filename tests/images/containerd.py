"""A containerd of one's own, that nobody else sees and that leaves nothing behind."""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.images.programs import ProgramFailedError, in_own_mounts, require, run, variables
from tests.waiting import wait_for

NAMESPACE: Final = "k8s.io"
"""Of containerd's; kubelet's images are in it."""
_START_SECONDS: Final = 60.0


class Containerd:
    """A containerd that runs.

    Attributes:
        address: Its socket.
    """

    def __init__(self, address: Path) -> None:
        self.address = address

    def command(self, *arguments: str | Path) -> list[str | Path]:
        """Return the command line of its client."""
        return ["ctr", "--address", self.address, "--namespace", NAMESPACE, *arguments]

    def run_command(
        self, name: str, image: str, command: Sequence[str], options: Sequence[str] = ()
    ) -> list[str | Path]:
        """Return the command line that runs a container, ends with it, and removes it.

        Args:
            name: The container's; no other on this machine may have it.
            image: What it runs.
            command: What is run in it, in the place of the image's entry point.
            options: Of ``ctr run``.
        """
        # In no cgroup of its own, or empty ones would stay; its pipes where we remove them.
        ours = ("--rm", "--cgroup=", f"--fifo-dir={self.address.with_name('pipes')}")
        return self.command("run", *ours, *options, image, name, *command)

    def load(self, layout: Path) -> None:
        """Import and unpack the images of a folder in OCI's layout.

        Raises:
            ProgramFailedError: It failed.
        """
        with subprocess.Popen(  # noqa: S603
            ["tar", "-C", layout, "-cf", "-", "."],  # noqa: S607
            stdout=subprocess.PIPE,
        ) as archive:
            run(self.command("images", "import", "-"), stdin=archive.stdout)


@contextlib.contextmanager
def running(root: Path) -> Iterator[Containerd]:
    """Run a containerd on a root, in mounts of its own; containers have to be ended before it is.

    Raises:
        ProgramMissingError: It is not there.
        ProgramFailedError: It does not start.
    """
    require("containerd", "ctr", "runc", "unshare")
    # Not below .build: the path of a socket may have no more than 107 characters.
    with tempfile.TemporaryDirectory(prefix="images-") as folder:
        state = Path(folder)
        address = state / "containerd.sock"
        (state / "containerd.toml").write_text(_configuration(root, state / "state", address))
        # What it and runc keep for the whole machine is in memory, and gone with them.
        own_run = 'mount -t tmpfs tmpfs /run && exec containerd --config "$0"'
        command = in_own_mounts("sh", "-ec", own_run, state / "containerd.toml")
        with (
            (state / "log").open("wb") as log,
            subprocess.Popen(command, stdout=log, stderr=log, env=variables()) as process,  # noqa: S603
        ):
            try:
                wait_for(
                    lambda: process.poll() is not None or _serves(address),
                    _START_SECONDS,
                    "containerd",
                )
                if process.poll() is not None:
                    raise ProgramFailedError(f"containerd:\n{(state / 'log').read_text()}")
                yield Containerd(address)
            finally:
                process.terminate()


def _serves(address: Path) -> bool:
    with contextlib.suppress(ProgramFailedError):
        return bool(run(["ctr", "--address", address, "--connect-timeout=1s", "version"]))
    return False


def _configuration(root: Path, state: Path, address: Path) -> str:
    places = {"root": root, "state": state, "address": address}
    quoted = {name: json.dumps(os.fspath(path)) for name, path in places.items()}
    # kubelet's interface is not needed here, and looks for a network.
    return f"""version = 2
root = {quoted["root"]}
state = {quoted["state"]}
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = {quoted["address"]}
"""
