"""The program that becomes a container: `python -m tests.kubelet.launch PLAN PARENT`.

It changes its own namespaces, root and user, and then executes the container's program, which so
has the process id that kubelet started. It imports little: every container waits for it.
"""

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from tests.kubelet import filesystem, syscalls
from tests.kubelet.plan import Plan
from tests.kubelet.syscalls import Namespace, Process

# As shells and container runtimes have it.
_CANNOT_START = 127


def main() -> None:
    """Become the container that a plan describes.

    Raises:
        OSError: the kernel refused something; the text of it ends up in the container's log.
    """
    plan, parent = Plan.read(Path(sys.argv[1])), int(sys.argv[2])
    syscalls.unshare(Namespace.MOUNT | Namespace.UTS)
    syscalls.enter(plan.network)
    os.close(plan.network)
    socket.sethostname(plan.hostname)
    filesystem.build(Path(plan.root), plan.binds, read_only=plan.read_only_root)
    os.chroot(plan.root)
    os.chdir(plan.working_dir)
    _take_identity(plan)
    _die_with(parent)
    # Python ignores it, and what is ignored stays ignored in the program executed.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    program = shutil.which(plan.arguments[0], path=plan.environment["PATH"])
    if program is None:
        sys.stderr.write(f"there is no {plan.arguments[0]} in this container\n")
        sys.exit(_CANNOT_START)
    os.execve(program, plan.arguments, plan.environment)  # noqa: S606 - without a shell


def _take_identity(plan: Plan) -> None:
    """Be the user whom the plan names, with no more rights than the plan allows."""
    if plan.drop_capabilities:
        for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1):
            syscalls.control(Process.DROP_FROM_BOUNDING_SET, capability)
    os.setgroups(plan.groups)
    os.setgid(plan.group)
    os.setuid(plan.user)
    if plan.no_new_privileges:
        syscalls.control(Process.NO_NEW_PRIVILEGES, 1)


def _die_with(parent: int) -> None:
    """End when the thread that started this process ends: a killed test run leaves nothing."""
    # After setuid, which forgets it. The parent may have ended before that.
    syscalls.control(Process.PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(_CANNOT_START)


if __name__ == "__main__":
    main()
