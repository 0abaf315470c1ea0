"""East-west: what httpbin sees when a Pod of the mesh calls it."""

import re
from collections.abc import Iterator
from typing import ClassVar
from uuid import uuid4

from tests.lab import scene
from tests.lab.addresses import SIDECAR
from tests.lab.case import Check, Seen
from tests.lab.lab import Lab, origin

_LOG = "kubectl logs deploy/httpbin -c istio-proxy"
_PORT = 8000
_CONNECTION = re.compile(rf"^tcp\s+\d+\s+\d+\s+\S+:{_PORT}\s+(\S+:\d+)\s", re.MULTILINE)
_CALLER, _CALLED = "Pod sleep", "Pod httpbin"


class EastWest:
    """The guide's first half: `kubectl exec deploy/sleep -- curl httpbin:8000/ip`."""

    name: ClassVar = "east-west"
    title: ClassVar = "From Pod to Pod"
    change: ClassVar = (
        "kubectl label namespace default source-ip-preservation=enabled; "
        "kubectl rollout restart deployment/httpbin"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "ip",
            "what httpbin answers at /ip",
            "kubectl exec deploy/sleep -c sleep -- curl http://httpbin:8000/ip",
            SIDECAR,
            _CALLER,
        ),
        Check(
            "netstat",
            "the peer of httpbin's own socket",
            "kubectl exec deploy/httpbin -c httpbin -- netstat -ntp",
            SIDECAR,
            _CALLER,
        ),
        Check(
            "downstream_remote_address",
            "who called the sidecar, in its access log",
            f"{_LOG}: downstream_remote_address",
            _CALLER,
            _CALLER,
        ),
        Check(
            "downstream_local_address",
            "the address that was called",
            f"{_LOG}: downstream_local_address",
            _CALLED,
            _CALLED,
        ),
        Check(
            "upstream_local_address",
            "from where the sidecar called httpbin",
            f"{_LOG}: upstream_local_address",
            SIDECAR,
            _CALLER,
        ),
        Check(
            "upstream_host",
            "whom the sidecar called",
            f"{_LOG}: upstream_host",
            _CALLED,
            _CALLED,
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Do nothing: `tests.lab.scene` has applied the guide's sleep and httpbin for all cases."""

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call httpbin once it is known, and ask everybody who took part."""
        agent, url = f"lab-{uuid4()}", "http://httpbin:8000/ip"
        scene.wait_until_known(lab, url)
        yield "ip", origin(lab.curl(url, "--user-agent", agent))
        fields = lab.logged(agent, "deploy/httpbin", "istio-proxy")
        sockets = lab.kubectl("exec", "deploy/httpbin", "-c", "httpbin", "--", "netstat", "-ntp")
        yield "netstat", peer(sockets.stdout, fields["upstream_local_address"])
        for check in self.checks[2:]:
            yield check.key, fields[check.key]

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have httpbin's Pod made anew."""
        lab.opt_in("default")
        lab.restart("default", "deployment/httpbin")
        lab.wait_until_answering("default", "httpbin")


def peer(netstat: str, logged: str) -> str:
    """Find the connection from the sidecar to httpbin among the sockets of the Pod.

    The sidecar's own sockets are in the same list, so it is the one that the sidecar has logged.

    Args:
        netstat: What ``netstat -ntp`` prints in the Pod.
        logged: The address and port from which the sidecar says that it called.

    Returns:
        That address and port, or all peers of httpbin's port where it is not among them.
    """
    peers: list[str] = _CONNECTION.findall(netstat)
    return logged if logged in peers else f"{', '.join(peers) or 'nothing'} instead of {logged}"
