"""The networks of a cluster: one namespace for the control plane, for each node and for a client.

The control plane's is the one that the caller is in. All are joined by a bridge in it.
"""

from pathlib import Path

from tests.cluster import addresses
from tests.controlplane.process import run_to_end

OUTSIDE = "outside"
"""The client's network namespace."""

_BRIDGE = "nodes"
_NAMESPACES = Path("/run/netns")
_FORWARDING6 = "net.ipv6.conf.all.forwarding=1"
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def make(*, dual_stack: bool) -> None:
    """Make the namespaces, the links between them and their routes.

    Args:
        dual_stack: whether all have IPv6 addresses too.

    Raises:
        subprocess.CalledProcessError: the kernel does not let us; a note has its words.
    """
    _ip("link set lo up")
    _ip(f"link add {_BRIDGE} type bridge")
    _ip(f"address add {addresses.CONTROL_PLANE}/24 dev {_BRIDGE}")
    _ip(f"link set {_BRIDGE} up")
    _route_pods("")
    if dual_stack:
        _add_v6("", _BRIDGE, addresses.CONTROL_PLANE)
    for name, address in {**addresses.NODES, OUTSIDE: addresses.OUTSIDE}.items():
        _join(name, address)
        if dual_stack:
            _add_v6(name, "eth0", address)
            run_to_end(inside(name, "sysctl", "-qw", _FORWARDING6), _ENVIRONMENT)
    _ip(f"-n {OUTSIDE} route add {addresses.LOAD_BALANCERS} via {addresses.NODES['n1']}")


def inside(namespace: str, *command: str) -> list[str]:
    """Return the command line that runs a command in one of the namespaces.

    Not by `ip netns exec`, which mounts a new /sys that has no cgroups.
    """
    return ["nsenter", f"--net={_NAMESPACES / namespace}", *command]


def plug(node: str, *, connected: bool) -> None:
    """Connect a node's cable, or pull it out."""
    _ip(f"link set {_cable(node)} {'up' if connected else 'down'}")


def _join(name: str, address: str) -> None:
    cable = _cable(name)
    _ip(f"netns add {name}")
    _ip(f"link add {cable} type veth peer name eth0 netns {name}")
    _ip(f"link set {cable} master {_BRIDGE} up")
    for what in (
        "link set lo up",
        "link set eth0 up",
        f"address add {address}/24 dev eth0",
        f"route add default via {addresses.CONTROL_PLANE}",
    ):
        _ip(f"-n {name} {what}")
    _route_pods(name)
    # As kubelet's documentation asks; and a reply may leave by another way than it came by.
    forwarding = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
    run_to_end(inside(name, "sysctl", "-qw", *forwarding), _ENVIRONMENT)


def _add_v6(name: str, device: str, address: str) -> None:
    where = f"-n {name} " if name else ""
    # Nobody else can have it; asking around would take a second.
    _ip(f"{where}address add {addresses.v6(address)}/64 dev {device} nodad")
    for node, gateway in addresses.NODES.items():
        if node != name:
            _ip(f"{where}route add {addresses.pods6_of(node)} via {addresses.v6(gateway)}")


def _route_pods(name: str) -> None:
    where = f"-n {name} " if name else ""
    for node, address in addresses.NODES.items():
        if node != name:
            _ip(f"{where}route add {addresses.pods_of(node)} via {address}")


def _cable(name: str) -> str:
    return f"to-{name}"


def _ip(what: str) -> None:
    run_to_end(["ip", *what.split()], _ENVIRONMENT)
