"""What stands for a cloud's load balancer: an address in a Service's status, and a route to a node.

There is no cloud here. What a load balancer that passes packets through does is this: it owns an
address, which the cloud's controller writes into the Service's status, and hands what arrives there
to a node that answers its health check. kube-proxy of that node does the rest, and it is real.
"""

import json
from http import HTTPStatus

from tests.cluster.cluster import Node
from tests.lab.lab import NO_ANSWER, REFUSED, Json, Lab
from tests.waiting import wait_for

_SYNC_SECONDS = 60.0
_HEALTH_SECONDS = 60.0
_MAY_BE_CHOSEN = (HTTPStatus.OK, 0)
"""What a node's health check says; zero where there is none."""


class Balancer:
    """The load balancer of one Service of type LoadBalancer."""

    def __init__(self, lab: Lab, service: str, namespace: str, address: str) -> None:
        """Describe it; it does nothing before `publish`.

        Args:
            lab: Where.
            service: Name of the Service.
            namespace: Its namespace.
            address: The balancer's own address.
        """
        self._lab = lab
        self._service = service
        self._namespace = namespace
        self.address = address

    def publish(self) -> None:
        """Write the address into the status, and wait until each node's kube-proxy serves it."""
        status = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": self.address}]}}})
        self._lab.kubectl(
            *(
                "patch",
                "service",
                self._service,
                "--subresource=status",
                "--type=merge",
                "-p",
                status,
            ),
            namespace=self._namespace,
        )
        for node in self._lab.cluster.nodes:
            wait_for(lambda: self._is_served_by(node), _SYNC_SECONDS, f"{node.name} to serve it")  # noqa: B023 - asked at once

    def published(self) -> str:
        """Read the address back as the guide does, for its ``GATEWAY_URL``."""
        path = "{.status.loadBalancer.ingress[0].ip}"
        done = self._lab.kubectl(
            *("get", "service", self._service, "-o", f"jsonpath={path}"), namespace=self._namespace
        )
        return done.stdout

    def service(self) -> Json:
        """Return the Service."""
        return self._lab.cluster.get("Service", self._service, self._namespace)

    def choose(self, *, away_from: str) -> Node:
        """Lead what comes to the address to a node, as a load balancer does.

        Args:
            away_from: The node that is chosen only if no other one may be: what arrives elsewhere
                has to go on from node to node, which is where addresses are lost.
        """
        nodes = sorted(self._lab.cluster.nodes, key=lambda node: node.name == away_from)

        def healthy() -> Node | None:
            return next((each for each in nodes if self.health(each)[0] in _MAY_BE_CHOSEN), None)

        chosen = wait_for(healthy, _HEALTH_SECONDS, f"a node that {self._service} is healthy on")
        self.lead_to(chosen)
        return chosen

    def lead_to(self, node: Node) -> None:
        """Lead what comes to the address to a node, whatever its health."""
        route = ("ip", "route", "replace", f"{self.address}/32", "via", node.address)
        self._lab.cluster.outside.run(*route)

    def health(self, node: Node) -> tuple[int, int]:
        """Ask a node's health check.

        Returns:
            The HTTP status, and how many Pods of the Service run there. Zeros where the Service
            has no such port: then a load balancer takes every node.
        """
        port = self.service()["spec"].get("healthCheckNodePort")
        if port is None:
            return 0, 0
        url = f"http://{node.address}:{port}/"
        answer = self._lab.curl_from_outside(url, "--write-out", "\n%{http_code}")
        body, _, code = answer.rpartition("\n")
        try:
            return int(code), int(json.loads(body)["localEndpoints"])
        except (ValueError, KeyError):
            if answer in {REFUSED, NO_ANSWER}:  # kube-proxy does not listen there yet
                return HTTPStatus.SERVICE_UNAVAILABLE, 0
            raise RuntimeError(f"{url} answered {answer!r}") from None

    def _is_served_by(self, node: Node) -> bool:
        rules = node.run("iptables-save", "-t", "nat").stdout
        return f"-d {self.address}/32 " in rules
