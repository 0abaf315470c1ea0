"""Free ports on the loopback interface, each given to one process of one test run at a time."""

import random
import socket

LOOPBACK = "127.0.0.1"

# Below what the usual systems hand out to outgoing connections, so that no connection can sit on
# the port of a server that is stopped for a while, and below the node ports of Services.
_PORTS = range(20_000, 30_000)


def free_port() -> int:
    """Return a TCP port that nobody listens on, and that no other test gets while we run.

    Raises:
        OSError: no free port was found.
    """
    for port in random.sample(_PORTS, min(100, len(_PORTS))):
        if not _is_free(port):
            continue
        # The UDP port of that number, which nothing here uses, stands for it until this process
        # ends: two test runs, and two processes of one, would else find the same port free before
        # either of them listens there.
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind((LOOPBACK, port))
        except OSError:
            claim.close()
            continue
        claim.detach()  # stays open, though nobody has a name for it
        return port
    raise OSError(f"no free port in {_PORTS}")


def listen() -> socket.socket:
    """Return a socket that listens on loopback, on a free port.

    Raises:
        OSError: no free port was found.
    """
    return socket.create_server((LOOPBACK, free_port()))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that has just ended does not make the port a taken one.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
