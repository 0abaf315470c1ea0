"""North-south: what the ingress gateway sees when a client outside the cluster calls it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import trustme

from tests.cluster import mesh
from tests.lab.addresses import CLIENT, NODE
from tests.lab.balancer import Balancer
from tests.lab.case import Check, Seen
from tests.lab.lab import NO_ANSWER, Lab, origin

GUIDE = Path(__file__).parent / "guide"
SYSTEM = "istio-system"
GATEWAY = "istio-ingressgateway"
ADDRESS = "10.98.0.10"

_LOG = f"kubectl -n {SYSTEM} logs deploy/{GATEWAY}"
_POD = f"Pod {SYSTEM}/{GATEWAY}"


def balancer(lab: Lab) -> Balancer:
    """Return the load balancer of the gateway."""
    return Balancer(lab, GATEWAY, SYSTEM, ADDRESS)


def nodes_with_gateway(lab: Lab) -> set[str]:
    """Name the nodes that run a Pod of the gateway."""
    return {pod["spec"]["nodeName"] for pod in lab.pods(SYSTEM, app=GATEWAY)}


class NorthSouth:
    """The guide's second half, over HTTP and HTTPS."""

    name: ClassVar = "north-south"
    title: ClassVar = "Through the ingress gateway"
    change: ClassVar = (
        f"kubectl label namespace {SYSTEM} source-ip-preservation=north-south; "
        f"kubectl -n {SYSTEM} delete service {GATEWAY}; istioctl install"
    )
    needs: ClassVar[tuple[str, ...]] = ("east-west",)
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "http", "what httpbin answers at /ip", "curl http://$GATEWAY_URL:80/ip", NODE, CLIENT
        ),
        Check(
            "http downstream_remote_address",
            "who called the gateway, in its access log",
            f"{_LOG}: downstream_remote_address",
            NODE,
            CLIENT,
        ),
        Check(
            "http x_forwarded_for",
            "who called, as the gateway tells httpbin",
            f"{_LOG}: x_forwarded_for",
            NODE,
            CLIENT,
        ),
        Check("https", "the same over HTTPS", "curl -k https://$GATEWAY_URL:443/ip", NODE, CLIENT),
        Check(
            "https downstream_remote_address",
            "who called the gateway, in its access log",
            f"{_LOG}: downstream_remote_address",
            NODE,
            CLIENT,
        ),
        Check(
            "https x_forwarded_for",
            "who called, as the gateway tells httpbin",
            f"{_LOG}: x_forwarded_for",
            NODE,
            CLIENT,
        ),
        Check(
            "socket",
            "the peer of httpbin's own socket: the last hop, whatever the setting",
            "kubectl logs deploy/httpbin -c istio-proxy: upstream_local_address",
            _POD,
            _POD,
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Apply the guide's gateways and the certificate, and let the cloud give the address."""
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = Path(folder, "tls.key"), Path(folder, "tls.crt")
            issued = trustme.CA().issue_cert("httpbin.example.com")
            issued.private_key_pem.write_to_path(key)
            issued.cert_chain_pems[0].write_to_path(certificate)
            lab.kubectl(
                *("create", "secret", "tls", "myexample-credential"),
                *(f"--key={key}", f"--cert={certificate}"),
                namespace=SYSTEM,
            )
        for name in ("http-demo.yaml", "https-demo.yaml"):
            lab.apply(GUIDE / name)
        balancer(lab).publish()
        lead_away(lab)
        for url in ("http://{}:80/ip", "https://{}:443/ip"):
            lab.wait_for_answer_outside(url.format(ADDRESS), "--insecure")

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call httpbin from outside by either protocol."""
        lead_away(lab)
        address = balancer(lab).published()
        for scheme, url, flags in (
            ("http", f"http://{address}:80/ip", ()),
            ("https", f"https://{address}:443/ip", ("--insecure",)),
        ):
            agent = f"lab-{uuid4()}"
            yield scheme, origin(lab.curl_from_outside(url, *flags, "--user-agent", agent))
            entry = lab.logged(agent, f"deploy/{GATEWAY}", namespace=SYSTEM)
            for field in ("downstream_remote_address", "x_forwarded_for"):
                yield f"{scheme} {field}", entry[field]
            last = lab.logged(agent, "deploy/httpbin", "istio-proxy")
        yield "socket", last["upstream_local_address"]

    def make_change(self, lab: Lab) -> None:
        """Label the gateway's namespace, and have its Service created anew by whoever made it."""
        lab.opt_in(SYSTEM, "north-south")
        lab.kubectl("delete", "service", GATEWAY, namespace=SYSTEM)
        mesh.install_mesh(lab.cluster)
        balancer(lab).publish()
        lead_away(lab)
        lab.wait_for_answer_outside(f"http://{ADDRESS}:80/ip")


def lead_away(lab: Lab) -> None:
    """Let the load balancer choose the node without the gateway's Pod, if it may."""
    (home,) = nodes_with_gateway(lab)
    balancer(lab).choose(away_from=home)


class GatewayPods:
    """The guide's warning: a node without a Pod of the gateway drops what arrives there."""

    name: ClassVar = "gateway-pods"
    title: ClassVar = "A Pod of the gateway on each node"
    change: ClassVar = f"kubectl -n {SYSTEM} scale deployment {GATEWAY} --replicas=2"
    needs: ClassVar[tuple[str, ...]] = ("north-south",)
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "with",
            "through the node that runs it",
            "curl http://$GATEWAY_URL:80/ip",
            CLIENT,
            CLIENT,
        ),
        Check(
            "without",
            "through the node that did not run it",
            "curl http://$GATEWAY_URL:80/ip",
            NO_ANSWER,
            CLIENT,
        ),
        Check(
            "with health",
            "health check of the node that runs it",
            "curl http://$NODE:$HEALTH_CHECK_NODE_PORT/",
            "200, 1 Pod",
            "200, 1 Pod",
        ),
        Check(
            "without health",
            "health check of the node that did not run it",
            "curl http://$NODE:$HEALTH_CHECK_NODE_PORT/",
            "503, 0 Pods",
            "200, 1 Pod",
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Remember where the gateway runs; the rest is there from the case before."""
        (self._home,) = nodes_with_gateway(lab)

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Go through each node in turn, as a load balancer without a health check would."""
        front = balancer(lab)
        for node in sorted(lab.cluster.nodes, key=lambda node: node.name != self._home):
            side = "with" if node.name == self._home else "without"
            front.lead_to(node)
            yield side, origin(lab.curl_from_outside(f"http://{front.published()}:80/ip"))
            code, local = front.health(node)
            yield f"{side} health", f"{code}, {local} Pod{'s' * (local != 1)}"

    def make_change(self, lab: Lab) -> None:
        """Let a second Pod run, on the other node."""
        lab.kubectl("cordon", self._home)
        try:
            lab.kubectl("scale", f"deployment/{GATEWAY}", "--replicas=2", namespace=SYSTEM)
            lab.wait_until_running(SYSTEM, f"deployment/{GATEWAY}")
        finally:
            lab.kubectl("uncordon", self._home)
        front = balancer(lab)
        for node in lab.cluster.nodes:
            front.lead_to(node)
            lab.wait_for_answer_outside(f"http://{ADDRESS}:80/ip")
