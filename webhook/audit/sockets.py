"""Whom an application is connected to, read from the kernel's tables of a Pod's network namespace.

All containers of a Pod share these tables, so that both ends of a connection between sidecar and
application are in them.

Source:
    Linux, Documentation/networking/proc_net_tcp.rst; include/net/tcp_states.h. Istio,
    Application Requirements, "Ports used by Istio".
"""

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SIDECAR: Final = frozenset(map(ipaddress.ip_address, ("127.0.0.6", "::6")))
"""Whence a sidecar in mode REDIRECT connects to its application.

Source:
    Istio, pilot/pkg/networking/core/listener_address.go.
"""
_LINE: Final = re.compile(
    r"\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) "
    r"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) "
)
_LISTEN: Final = 0x0A
_OPEN: Final = frozenset({0x01, 0x08})
"""ESTABLISHED; CLOSE_WAIT, of which the client has done and the application has not."""
_CLOSED: Final = 0x06
"""TIME_WAIT: a connection of the last minute."""
_OF_ISTIO: Final = range(15000, 15100)
"""Ports of Istio's agent and of Envoy."""
_WORD: Final = 8
"""Hexadecimal digits of 32 bits, which the kernel writes in the order of its processor."""


class Socket(NamedTuple):
    """One line of /proc/net/tcp or /proc/net/tcp6."""

    local: Address
    local_port: int
    peer: Address
    peer_port: int
    state: int
    """As in the kernel's tcp_states.h."""


class Connection(NamedTuple):
    """One connection that the application has accepted."""

    peer: Address
    """Where it comes from, as the application sees it."""
    peer_port: int
    port: int
    """Of the application."""
    open: bool
    """Whether it is open; else it was, within the last minute."""


def parse(text: str) -> Iterator[Socket]:
    """Read what ``cat /proc/net/tcp /proc/net/tcp6`` prints, on a little-endian processor.

    Args:
        text: The tables; what is no line of them is passed over.

    Yields:
        Every socket; addresses of IPv4 that are written as IPv6 as what they are.
    """
    for line in text.splitlines():
        if match := _LINE.match(line):
            local, local_port, peer, peer_port, state = match.groups()
            yield Socket(
                _address(local),
                int(local_port, 16),
                _address(peer),
                int(peer_port, 16),
                int(state, 16),
            )


def _address(digits: str) -> Address:
    """Read an address, whose words of 32 bits are each written backwards."""
    words = (digits[place : place + _WORD] for place in range(0, len(digits), _WORD))
    packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def accepted(sockets: Iterable[Socket], own: Collection[Address]) -> set[Connection]:
    """Find the connections that the application has accepted, and whence they come.

    In mode TPROXY Envoy takes the client's connection at the application's own address and port.
    What the application itself has accepted is told from that by its other end, which is Envoy's
    and in the same tables.

    Args:
        sockets: Of a Pod's network namespace.
        own: Addresses of the Pod.

    Returns:
        Connections from anywhere but the Pod itself; the sidecar's own address is not the Pod's.
    """
    known = list(sockets)
    ports = {each.local_port for each in known if each.state == _LISTEN}
    ports.difference_update(_OF_ISTIO)
    outside: dict[int, set[Connection]] = {port: set() for port in ports}
    within: dict[int, set[Connection]] = {port: set() for port in ports}
    for each in known:
        if each.state not in _OPEN and each.state != _CLOSED:
            continue
        is_open = each.state in _OPEN
        if each.local_port in ports and not _is_own(each.peer, own):
            found = Connection(each.peer, each.peer_port, each.local_port, is_open)
            outside[each.local_port].add(found)
        if each.peer_port in ports and each.peer in own and not _is_own(each.local, own):
            found = Connection(each.local, each.local_port, each.peer_port, is_open)
            within[each.peer_port].add(found)
    return {each for port in ports for each in within[port] or outside[port]}


def _is_own(address: Address, own: Collection[Address]) -> bool:
    """Tell whether a connection from an address is one of the Pod to itself."""
    return address in own or (address.is_loopback and address not in SIDECAR)
