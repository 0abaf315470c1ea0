"""Beyond the guide: a gateway of the Gateway API, whose Service istiod makes by itself."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tests.lab import scene
from tests.lab.addresses import CLIENT, NODE
from tests.lab.balancer import Balancer
from tests.lab.case import Check, Seen
from tests.lab.lab import MANIFESTS, READY_SECONDS, Json, Lab, origin
from tests.waiting import wait_for

_NAMESPACE = "edge"
_SERVICE = "edge-istio"
_SECONDS = 60.0


class GatewayApi:
    """A Gateway and an HTTPRoute."""

    name: ClassVar = "gateway-api"
    title: ClassVar = "A gateway of the Gateway API"
    change: ClassVar = (
        f"kubectl label namespace {_NAMESPACE} source-ip-preservation=enabled; "
        f"kubectl -n {_NAMESPACE} delete service {_SERVICE}"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check("ip", "what httpbin answers at /ip", "curl http://$GATEWAY_URL/ip", NODE, CLIENT),
        Check(
            "policy",
            "externalTrafficPolicy of the Service that istiod made",
            f"kubectl -n {_NAMESPACE} get service {_SERVICE} -o yaml",
            "Cluster",
            "Local",
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Define the kinds of the Gateway API, and apply a gateway and the guide's httpbin."""
        definitions = sorted(definitions_of_gateway_api().glob("gateway.*.yaml"))
        text = "\n---\n".join(each.read_text() for each in definitions)
        lab.kubectl("apply", "--server-side", "-f", "-", stdin=text)
        names = ("gatewayclasses", "gateways", "httproutes")
        lab.kubectl(
            *("wait", "--for=condition=Established", f"--timeout={READY_SECONDS}s"),
            *(f"crd/{name}.gateway.networking.k8s.io" for name in names),
        )
        lab.make_namespace(_NAMESPACE)
        lab.apply(scene.APPS / "httpbin.yaml", _NAMESPACE)
        lab.apply(MANIFESTS / "gateway-api.yaml", _NAMESPACE)
        self._lead(lab)
        lab.wait_until_running(_NAMESPACE, "deployment/httpbin", f"deployment/{_SERVICE}")
        lab.wait_for_answer_outside(f"http://{self._front(lab).address}/ip")

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call it from outside."""
        front = self._front(lab)
        (pod,) = self._pods(lab)
        front.choose(away_from=pod["spec"]["nodeName"])
        yield "ip", origin(lab.curl_from_outside(f"http://{front.published()}/ip"))
        yield "policy", front.service()["spec"]["externalTrafficPolicy"]

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have istiod make the Service anew."""
        lab.opt_in(_NAMESPACE)
        lab.kubectl("delete", "service", _SERVICE, namespace=_NAMESPACE)
        self._lead(lab)
        (pod,) = self._pods(lab)
        self._front(lab).choose(away_from=pod["spec"]["nodeName"])
        lab.wait_for_answer_outside(f"http://{self._front(lab).address}/ip")

    def _lead(self, lab: Lab) -> None:
        wait_for(
            lambda: lab.cluster.find("Service", _SERVICE, _NAMESPACE),
            _SECONDS,
            "istiod to make the Service",
        )
        self._front(lab).publish()

    @staticmethod
    def _front(lab: Lab) -> Balancer:
        return Balancer(lab, _SERVICE, _NAMESPACE, "10.98.0.11")

    @staticmethod
    def _pods(lab: Lab) -> list[Json]:
        return lab.pods(_NAMESPACE, **{"gateway.networking.k8s.io/gateway-name": "edge"})


def definitions_of_gateway_api() -> Path:
    """Find the CustomResourceDefinitions in the Go module that Istio itself was built with.

    Raises:
        subprocess.CalledProcessError: There is no Go, or the module is not there.
    """
    done = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api"],  # noqa: S607
        cwd=Path(__file__).parents[1] / "istio",
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip(), "config", "crd", "standard")
