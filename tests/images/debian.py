"""Debian, from where this machine has it from."""

import shutil
from pathlib import Path
from typing import Final

from tests.images.programs import in_own_mounts, require, run

SUITE: Final = "bookworm"
BUILD: Final = Path(__file__).parent / "base" / "build"
"""Makes the archive of a root."""

_PUBLIC_MIRROR: Final = "http://deb.debian.org/debian"
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def write_root(archive: Path) -> None:
    """Write an archive of a small Debian with Python.

    Raises:
        ProgramMissingError: debootstrap is not there.
        ProgramFailedError: It failed.
    """
    require("debootstrap", "unshare")
    keyring = (_KEYRING,) if _KEYRING.exists() else ()
    run(in_own_mounts(BUILD, archive, SUITE, mirror(), *keyring))


def mirror() -> str:
    """Return where this machine has Debian from, or Debian's own address if it has another system.

    https://manpages.debian.org/apt-get tells of ``indextargets``.
    """
    if shutil.which("apt-get") is None:
        return _PUBLIC_MIRROR
    wanted = "$(LABEL)|$(COMPONENT)|$(REPO_URI)"
    listed = run(["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"])
    for line in listed.splitlines():
        label, component, address = line.split("|")
        if (label, component) == ("Debian", "main"):
            return address
    return _PUBLIC_MIRROR
