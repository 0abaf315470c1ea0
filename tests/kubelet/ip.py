"""Network namespaces, and iproute2 at work in them."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.kubelet import syscalls
from tests.kubelet.syscalls import Namespace

T = TypeVar("T")


def new_namespace() -> int:
    """Make a network namespace and return a file descriptor of it."""

    def make() -> int:
        syscalls.unshare(Namespace.NETWORK)
        return syscalls.own_network()

    return _in_a_thread(make)


def run_in(namespace: int, *commands: str) -> None:
    """Run commands of ip in a network namespace.

    Args:
        namespace: a file descriptor of it.
        commands: the words after `ip`.

    Raises:
        subprocess.CalledProcessError: one failed; a note has what it wrote to standard error.
    """

    def configure() -> None:
        syscalls.enter(namespace)
        run(*commands)

    _in_a_thread(configure)


def _in_a_thread(work: Callable[[], T]) -> T:
    """Call something that changes its thread's network; the caller stays in its own."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()


def run(*commands: str) -> None:
    """Run commands of ip where the calling thread is, all in one process.

    Args:
        commands: the words after `ip`.

    Raises:
        subprocess.CalledProcessError: one failed; a note has what it wrote to standard error.
    """
    command = ("ip", "-batch", "-")
    done = subprocess.run(  # noqa: S603 - our own words, no shell
        command, input="\n".join(commands), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note("\n".join((*commands, done.stderr)))
        raise error
