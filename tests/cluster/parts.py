"""What a machine must have so that a cluster runs on it, and what to do where it has not."""

import os
import platform
from pathlib import Path

from tests import programs
from tests.controlplane import components

CNI_PLUGINS = Path("/usr/lib/cni")
"""Where Debian puts them."""

_PROGRAMS = (
    "containerd",
    "runc",
    "iptables",
    "conntrack",
    "curl",
    "ip",
    "nsenter",
    "unshare",
    "mount",
    "sysctl",
)

_SOCKET_BYTES = 107
"""Of a path (unix(7)), without the zero at its end."""

_PLUGINS = ("bridge", "host-local", "portmap", "loopback")


class PartMissingError(components.ComponentMissingError):
    """This machine cannot run a cluster as it is; the message says what to do."""


def check(folder: Path) -> None:
    """Look for everything that does not come from this repository.

    Args:
        folder: where the files of a cluster shall go.

    Raises:
        PartMissingError: something is missing, or the path of the folder is too long.
    """
    longest = folder / "n1" / "kubelet" / "pod-resources" / "kubelet.sock"
    if len(os.fsencode(longest)) > _SOCKET_BYTES:
        raise PartMissingError(
            f"The path of {folder} is too long: Linux takes no more than {_SOCKET_BYTES} bytes for "
            f"that of a socket, as kubelet has one in it. Choose a folder nearer to the root."
        )
    if platform.system() != "Linux":
        raise PartMissingError("A cluster needs Linux: its nodes are namespaces of Linux' kernel.")
    if os.geteuid() != 0:
        raise PartMissingError("Only root may start containers: run this as root.")
    if not os.access("/sys/fs/cgroup", os.W_OK):
        raise PartMissingError(
            "/sys/fs/cgroup cannot be written, so no container can be limited: "
            "run this on the machine itself, or in a privileged container."
        )
    packages = programs.missing_packages(_PROGRAMS)
    if not all((CNI_PLUGINS / plugin).exists() for plugin in _PLUGINS):
        packages.add("containernetworking-plugins")
    if packages:
        raise PartMissingError(
            f"The nodes of a cluster need programs of Debian that are not here: "
            f"run `{programs.to_install(packages)}`."
        )
