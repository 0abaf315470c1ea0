"""Free ports on the loopback interface."""

import os
import random
import socket

LOOPBACK = "127.0.0.1"

# Below what the usual systems hand out to outgoing connections, so that no connection can sit on
# the port of a server that is stopped for a while, and below the node ports of Services.
_PORTS = range(20_000, 30_000)
_WORKER = "PYTEST_XDIST_WORKER"
"""Environment variable of pytest-xdist: the name of this worker, such as gw0."""
_OF_WORKER = 2_000
"""Ports of each worker, so that none is found free by two before one of them listens there."""


def free_port() -> int:
    """Return a TCP port that nobody listens on at this moment.

    Raises:
        OSError: no free port was found.
    """
    for port in random.sample(_ports(), 100):
        with socket.socket() as probe:
            # As servers do: a connection that has just ended does not make the port a taken one.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port in {_ports()}")


def listen() -> socket.socket:
    """Return a socket that listens on loopback, on a free port.

    Raises:
        OSError: no free port was found.
    """
    return socket.create_server((LOOPBACK, free_port()))


def _ports() -> range:
    first = int(os.environ.get(_WORKER, "gw0").removeprefix("gw")) * _OF_WORKER % len(_PORTS)
    return _PORTS[first : first + _OF_WORKER]
