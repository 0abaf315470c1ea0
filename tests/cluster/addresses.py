"""Who has which address in a cluster's network, which is its own and reaches nothing else."""

CONTROL_PLANE = "10.99.0.1"
"""kube-apiserver's, in the network namespace that the control plane has for itself."""

OUTSIDE = "10.99.0.50"
"""The client's that is no part of the cluster."""

NODES = {"n1": "10.99.0.11", "n2": "10.99.0.12"}
"""The nodes', by name."""

SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/16"

DNS = "10.96.0.10"
"""CoreDNS', the Service of which every Pod asks for names."""

LOAD_BALANCERS = "10.98.0.0/24"
"""For what a test writes into the status of a Service, as a load balancer's controller would."""


SERVICES6 = "fd00:10:96::/112"
PODS6 = "fd00:10:244::/48"
"""What a cluster of two stacks has besides; IPv4 is the first one."""


def pods_of(node: str) -> str:
    """Return the range of the addresses that Pods of a node have."""
    return f"10.244.{node.removeprefix('n')}.0/24"


def pods6_of(node: str) -> str:
    """Return the range of their IPv6 addresses."""
    return f"fd00:10:244:{node.removeprefix('n')}::/64"


def v6(address: str) -> str:
    """Return the IPv6 address of whoever has an IPv4 address on the bridge."""
    return f"fd00:10:99::{address.rpartition('.')[2]}"
