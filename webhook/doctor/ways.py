"""How a replica is reached, and what its certificate is to the API server.

A real handshake over whatever carries the bytes: a socket, or a stream through the API server. It
trusts the published caBundle and nothing else, and asks for the name that the API server asks for.

Source:
    k8s.io/apiserver pkg/util/webhook/client.go: server name ``<service>.<namespace>.svc``.
"""

import socket
import ssl
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from cryptography import x509

from webhook.certificates.verification import client_context
from webhook.cluster.client import Client
from webhook.cluster.streams import port_forward

_PATIENCE: Final = 2.0
"""Seconds to connect, and for each read."""
_FORWARDING: Final = 5.0
"""Seconds for the API server to connect, and for each read."""
_SIZE: Final = 65536
"""Bytes to read at once; a flight of a handshake has a few thousand."""


class Replica(NamedTuple):
    """One address that the API server may call."""

    namespace: str
    """Of its Pod; empty where the configuration has a URL."""
    pod: str
    """Name of its Pod; empty where nothing names one."""
    address: str
    """IP address, or the host of a URL."""
    port: int

    @property
    def title(self) -> str:
        """The Pod, or the address where there is none."""
        return f"Pod/{self.pod}" if self.pod else f"{self.address}:{self.port}"


class Connection(Protocol):
    """Bytes to and from a replica, as a connected socket carries them."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""

    def recv(self, size: int, /) -> bytes:
        """Receive some; empty at the end."""

    def close(self) -> None:
        """End it."""


Dial = Callable[[Replica], Connection]
"""A way to a replica; raises OSError or ClusterError where it leads nowhere."""


class Served(NamedTuple):
    """What a replica serves, to a client that trusts the caBundle."""

    error: str
    """Why the client refuses, dates aside; empty where it does not."""
    leaf: x509.Certificate | None
    """The certificate, where the client does not refuse it."""


def direct(replica: Replica) -> Connection:
    """Connect to the replica's own address.

    Raises:
        OSError: It does not answer here.
    """
    return socket.create_connection((replica.address, replica.port), timeout=_PATIENCE)


def through(client: Client) -> Dial:
    """Make the way through the API server, for whoever is outside of the cluster's network.

    Args:
        client: May ``get`` and ``create`` ``pods/portforward``.
    """

    def forwarded(replica: Replica) -> Connection:
        if not replica.pod:
            raise OSError("there is no Pod that the API server could lead to")
        return port_forward(
            client, replica.namespace, replica.pod, replica.port, timeout=_FORWARDING
        )

    return forwarded


def shake_hands(connection: Connection, pem: bytes, host: str) -> Served:
    """Shake hands as the API server does, without comparing dates.

    Args:
        connection: To a replica.
        pem: The caBundle.
        host: The name that the certificate has to be for.

    Raises:
        OSError: The connection broke.
        ClusterError: The stream through the API server did.
    """
    try:
        context = client_context(pem)
    except ssl.SSLError:
        return Served("the caBundle is no PEM", None)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
        while not _advanced(tls):
            connection.sendall(outgoing.read())
            received = connection.recv(_SIZE)
            if not received:
                return Served("the replica ended the handshake", None)
            incoming.write(received)
        connection.sendall(outgoing.read())
    except ssl.SSLCertVerificationError as error:
        return Served(str(error.verify_message), None)
    except ssl.SSLError as error:
        return Served((error.reason or "no handshake").replace("_", " ").lower(), None)
    except ValueError as error:  # a host that no certificate can be for
        return Served(str(error), None)
    return Served("", x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b""))


def _advanced(tls: ssl.SSLObject) -> bool:
    """Go on with a handshake; tell whether it has finished."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
