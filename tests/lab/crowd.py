"""Beyond the guide: how many connections at a time, where ports are what runs out.

Under REDIRECT the sidecar calls the application from 127.0.0.6, whoever the client is: all clients
share that address's ports. Under TPROXY each client has the ports of its own address.
"""

import json
import sys
from collections.abc import Iterator
from typing import ClassVar

from tests.cluster.cluster import Place
from tests.lab import connections
from tests.lab.case import Check, Seen
from tests.lab.lab import MANIFESTS, Lab

_NAMESPACE = "crowd"
_PAIR = ("10.99.0.51", "10.99.0.52")
_SINGLE = "10.99.0.53"
"""Further addresses of the client outside, each for one count: ports stay in use for a while."""
_PORT = 9000
_PORTS = 1000
_CONNECTIONS = 2000
_ALL = "all"
_PORTS_ONLY = "as many as ports"
_MISSED = 500
"""So many may find no port although there is one, where all ask at a time: 34 and 169 were seen
to. What matters is that no more are answered than there are ports."""


def reading(seen: str) -> str:
    """Say what a count such as ``980 of 2000`` means."""
    answered = int(seen.split(maxsplit=1)[0])
    if answered == _CONNECTIONS:
        return _ALL
    return _PORTS_ONLY if _PORTS - _MISSED <= answered <= _PORTS else "neither"


def _command(clients: dict[str, int]) -> str:
    """Write the command that opens so many connections from each of these addresses."""
    return f"python -m tests.lab.connections POD_IP {_PORT} '{json.dumps(clients)}'"


class Crowd:
    """A Pod with a thousand ports, and 2,000 connections from one client or two."""

    name: ClassVar = "ports"
    title: ClassVar = "More connections than ports"
    change: ClassVar = (
        f"kubectl label namespace {_NAMESPACE} source-ip-preservation=enabled; "
        f"kubectl -n {_NAMESPACE} rollout restart deployment/crowd"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "two",
            "connections of two clients, 1,000 each, to a Pod with 1,000 ports",
            _command(dict.fromkeys(_PAIR, _CONNECTIONS // 2)),
            _PORTS_ONLY,
            _ALL,
            reading,
        ),
        Check(
            "one",
            "the same from one client: its ports run out under either",
            _command({_SINGLE: _CONNECTIONS}),
            _PORTS_ONLY,
            _PORTS_ONLY,
            reading,
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Apply a server that keeps its connections, and give the client further addresses."""
        outside = lab.cluster.outside
        for address in (*_PAIR, _SINGLE):
            outside.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        lab.make_namespace(_NAMESPACE)
        lab.apply(MANIFESTS / "crowd.yaml", _NAMESPACE)
        lab.wait_until_running(_NAMESPACE, "deployment/crowd")

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Open the connections, and count those that reach the application."""
        outside = lab.cluster.outside
        pod = lab.pod(_NAMESPACE, "crowd")["status"]["podIP"]
        yield "two", hold(outside, pod, dict.fromkeys(_PAIR, _CONNECTIONS // 2))
        yield "one", hold(outside, pod, {_SINGLE: _CONNECTIONS})

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have the Pod made anew."""
        lab.opt_in(_NAMESPACE)
        lab.restart(_NAMESPACE, "deployment/crowd")


def hold(place: Place, pod: str, clients: dict[str, int]) -> str:
    """Open connections at a time from a place, and say how many were answered."""
    done = place.run(
        *(sys.executable, connections.__file__, pod, str(_PORT), json.dumps(clients)),
        timeout_seconds=120,
    )
    return done.stdout.strip()
