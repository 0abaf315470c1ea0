"""The programs of Debian that tests and benchmarks run here, and the packages that bring them."""

import os
import shutil
from collections.abc import Iterable
from typing import Final

_PACKAGES: Final = {
    "buildah": "buildah",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "ctr": "containerd",
    "curl": "curl",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "mount": "mount",
    "nginx": "nginx",
    "nsenter": "util-linux",
    "runc": "runc",
    "sysctl": "procps",
    "unshare": "util-linux",
    "valgrind": "valgrind",
    "wrk": "wrk",
}
_ADMINISTRATORS: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where debootstrap, runc and iptables are, which the PATH of a plain user leaves out."""


def search_path() -> str:
    """Return where programs are looked for: our own PATH, and the folders of administrators."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *_ADMINISTRATORS))


def find(program: str) -> str | None:
    """Return the path of a program, ``None`` where it is nowhere."""
    return shutil.which(program, path=search_path())


def missing_packages(programs: Iterable[str]) -> set[str]:
    """Name the packages to install so that all of these programs are there.

    Args:
        programs: Such as ``runc``; each has to be in the table of this module.
    """
    return {_PACKAGES[program] for program in programs if find(program) is None}


def to_install(packages: Iterable[str]) -> str:
    """Write the command that installs packages."""
    return f"apt-get install --no-install-recommends {' '.join(sorted(packages))}"
