"""What a machine must have so that a cluster runs on it, and what to do where it has not."""

import os
import platform
import shutil
from pathlib import Path

from tests.controlplane import components

CNI_PLUGINS = Path("/usr/lib/cni")
"""Where Debian puts them."""

COREDNS = components.BUILT_BINARY.with_name("coredns")
"""What tests/coredns is built into."""

_PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "sysctl": "procps",
}
"""Each program, and Debian's package that brings it."""

_PLUGINS = ("bridge", "host-local", "portmap", "loopback")


class PartMissingError(components.ComponentMissingError):
    """This machine cannot run a cluster as it is; the message says what to do."""


def check() -> None:
    """Look for everything that does not come from this repository.

    Raises:
        PartMissingError: something is missing.
    """
    if platform.system() != "Linux":
        raise PartMissingError("A cluster needs Linux: its nodes are namespaces of Linux' kernel.")
    if os.geteuid() != 0:
        raise PartMissingError("Only root may start containers: run this as root.")
    if not os.access("/sys/fs/cgroup", os.W_OK):
        raise PartMissingError(
            "/sys/fs/cgroup cannot be written, so no container can be limited: "
            "run this on the machine itself, or in a privileged container."
        )
    packages = {package for program, package in _PROGRAMS.items() if not shutil.which(program)}
    if not all((CNI_PLUGINS / plugin).exists() for plugin in _PLUGINS):
        packages.add("containernetworking-plugins")
    if packages:
        names = " ".join(sorted(packages))
        raise PartMissingError(
            f"The nodes of a cluster need programs of Debian's packages {names}: "
            f"run `apt-get install --no-install-recommends {names}`."
        )
