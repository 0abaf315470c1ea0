"""The keeper of a cluster's private place: makes it, and leaves nothing of it when nobody needs it.

``python -m tests.cluster.keeper ...`` is the child of whoever wants a cluster, outside of the
place. It ends the place when its standard input ends, also because its parent was killed.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

from tests.cluster import addresses, cgroups, processes

_TICK_SECONDS = 0.02


def main() -> None:
    """Keep one cluster."""
    folder, images, listener, stacks = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what it keeps would outlive it
    cgroups.remove_forgotten()
    cgroup = cgroups.name_for(os.getpid())
    try:
        cgroups.make(cgroup, list(addresses.NODES))
        _keep([folder, images, cgroup, listener, stacks], int(listener))
    finally:
        cgroups.remove(cgroup)


def _keep(arguments: list[str], listener: int) -> None:
    """Let the place live until it ends itself, or our standard input ends."""
    command = (
        *("unshare", "--mount", "--propagation=private", "--net", "--pid", "--fork"),
        *("--mount-proc", "--kill-child"),
        *(sys.executable, "-m", "tests.cluster.place"),
    )
    place = subprocess.Popen([*command, *arguments], pass_fds=[listener])  # noqa: S603
    # Of the machine's network there is nothing else in the place.
    os.close(listener)
    ended = os.pidfd_open(place.pid)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(sys.stdin.fileno(), 0)  # says POLLHUP, whether one asks for it or not
    poll.poll()
    while place.poll() is None:
        # Its process 1, not `unshare`, which waits for it: and it has ended when all others have.
        # Again and again, since `unshare` may not have started it yet.
        for pid in processes.children(place.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_TICK_SECONDS)


if __name__ == "__main__":
    main()
