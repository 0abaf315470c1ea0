"""Beyond the guide: a Pod with an IPv4 and an IPv6 address."""

import ipaddress
from collections.abc import Iterator
from typing import ClassVar

from tests.lab import scene
from tests.lab.addresses import SIDECAR
from tests.lab.case import Check, Seen
from tests.lab.lab import MANIFESTS, Lab, origin

_NAMESPACE = "dual"
_CALLER = f"Pod {scene.LEGACY}/sleep"


class DualStack:
    """An application that listens on both, called by a Pod without sidecar at each address."""

    name: ClassVar = "dual-stack"
    title: ClassVar = "IPv4 and IPv6"
    change: ClassVar = (
        f"kubectl label namespace {_NAMESPACE} source-ip-preservation=enabled; "
        f"kubectl -n {_NAMESPACE} rollout restart deployment/dual"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "IPv4",
            "called at its IPv4 address",
            "kubectl -n legacy exec deploy/sleep -- curl http://$POD_IP:8000/ip",
            SIDECAR,
            _CALLER,
        ),
        Check(
            "IPv6",
            "called at its IPv6 address",
            "kubectl -n legacy exec deploy/sleep -- curl http://[$POD_IP6]:8000/ip",
            SIDECAR,
            _CALLER,
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Apply it."""
        lab.make_namespace(_NAMESPACE)
        lab.apply(MANIFESTS / "dual-stack.yaml", _NAMESPACE)
        lab.wait_until_running(_NAMESPACE, "deployment/dual")

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call it at either address."""
        for each in lab.pod(_NAMESPACE, "dual")["status"]["podIPs"]:
            address = ipaddress.ip_address(each["ip"])
            host = f"[{address}]" if address.version == 6 else str(address)
            seen = origin(lab.curl(f"http://{host}:8000/ip", namespace=scene.LEGACY))
            yield f"IPv{address.version}", seen

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have the Pod made anew."""
        lab.opt_in(_NAMESPACE)
        lab.restart(_NAMESPACE, "deployment/dual")
