"""Become a container of the image: its user, its variables, a root that nobody can write to.

``unshare --mount python -m tests.image.start LAYER WORK VOLUME COMMAND...``
"""

import os
import sys
from pathlib import Path

from tests.image import root
from tests.image.dockerfile import stages, variables

VOLUME = "/etc/source-ip-webhook/tls"
_PATH_OF_BASE = "/usr/local/bin:/usr/bin:/bin"


def start(layer: Path, work: Path, volume: Path, command: list[str]) -> None:
    """Replace this process by the container's.

    Args:
        layer: What the build has made.
        work: A folder for the root.
        volume: What is mounted where the chart mounts the certificate.
        command: What runs, with its arguments.
    """
    image = stages()[-1]
    here = root.read_only(work, layer, {VOLUME: volume}, temporary="demo" in command)
    environment = variables(image)
    environment["PATH"] = environment["PATH"].replace("$PATH", _PATH_OF_BASE)
    user, group = map(int, image.all("USER")[-1].split(":"))
    os.chroot(here)
    os.chdir("/")
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)  # drops every capability
    without_ways_back = ["setpriv", "--no-new-privs", *command]
    os.execvpe(without_ways_back[0], without_ways_back, environment)  # noqa: S606


if __name__ == "__main__":
    start(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
