"""Whose an address is."""

import dataclasses
import ipaddress
from collections.abc import Iterable, Mapping

from tests.controlplane import JsonObject

SIDECAR = "its own sidecar"
LOOPBACK = "loopback"
NODE = "a node"
CLIENT = "the client outside"
UNKNOWN = "nobody we know"


@dataclasses.dataclass(frozen=True)
class AddressBook:
    """Who has which address at one moment."""

    owners: Mapping[str, str]

    def owner(self, seen: str) -> str:
        """Name the owner of an address; anything else than an address is its own name.

        Args:
            seen: An address, with a port or without, or a word.
        """
        address = without_port(seen)
        return seen if address is None else self.owners.get(address, UNKNOWN)


def without_port(text: str) -> str | None:
    """Take the address out of a text such as ``10.244.1.5:8000``; None where there is none."""
    host, _, port = text.rpartition(":")
    for candidate in (text, host.strip("[]") if port.isdigit() else ""):
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        # A socket for both families shows IPv4 addresses in IPv6.
        return str(getattr(address, "ipv4_mapped", None) or address)
    return None


def book(
    pods: Iterable[JsonObject], nodes: Iterable[str], bridges: Iterable[str], client: str
) -> AddressBook:
    """Write down who has which address.

    Args:
        pods: All Pods, as the API server has them.
        nodes: The nodes' own addresses.
        bridges: The addresses that the nodes have towards their Pods.
        client: The address of the client outside the cluster.
    """
    owners = {"127.0.0.6": SIDECAR, "::6": SIDECAR, "127.0.0.1": LOOPBACK, "::1": LOOPBACK}
    owners[client] = CLIENT
    # The newest last: an address may have belonged to a Pod that has ended.
    for pod in sorted(pods, key=lambda each: str(each["metadata"]["creationTimestamp"])):
        for each in pod.get("status", {}).get("podIPs", ()):
            owners[each["ip"]] = pod_name(pod)
    return AddressBook(owners | dict.fromkeys((*nodes, *bridges), NODE))


def pod_name(pod: JsonObject) -> str:
    """Name a Pod as readers know it: by its application, and its namespace if not ``default``."""
    metadata = pod["metadata"]
    labels, namespace = metadata.get("labels", {}), metadata["namespace"]
    app = labels.get("app") or labels.get("gateway.networking.k8s.io/gateway-name")
    name = app or metadata["name"]
    return f"Pod {name}" if namespace == "default" else f"Pod {namespace}/{name}"
