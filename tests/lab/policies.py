"""The chart's other backend: policies, which the API server evaluates itself, and no webhook.

They have a label key of their own here, so that the webhook beside them has nothing to do with it.
"""

from collections.abc import Iterator
from typing import ClassVar
from uuid import uuid4

from tests.cluster.mesh import CHART
from tests.lab import scene
from tests.lab.addresses import CLIENT, NODE, SIDECAR
from tests.lab.balancer import Balancer
from tests.lab.case import Check, Seen
from tests.lab.lab import MANIFESTS, Lab, origin

_NAMESPACE = "policies"
_KEY = "source-ip-by-policy"
_FRONT = "front"


class Policies:
    """The guide's two halves once more, with ``backend: policy``."""

    name: ClassVar = "policy"
    title: ClassVar = "Policies instead of the webhook"
    change: ClassVar = (
        f"kubectl label namespace {_NAMESPACE} {_KEY}=enabled; "
        f"kubectl -n {_NAMESPACE} rollout restart deployment/httpbin; "
        f"kubectl -n {_NAMESPACE} delete service {_FRONT}; "
        f"kubectl -n {_NAMESPACE} apply -f {_FRONT}.yaml"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "ip",
            "what httpbin answers at /ip",
            f"kubectl exec deploy/sleep -c sleep -- curl http://httpbin.{_NAMESPACE}:8000/ip",
            SIDECAR,
            "Pod sleep",
        ),
        Check(
            "load balancer",
            "the same, called through a load balancer",
            "curl http://$LOAD_BALANCER/ip",
            SIDECAR,
            CLIENT,
        ),
        Check(
            "downstream_remote_address",
            "who called the sidecar, in its access log",
            f"kubectl -n {_NAMESPACE} logs deploy/httpbin -c istio-proxy: "
            "downstream_remote_address",
            NODE,
            CLIENT,
        ),
        Check(
            "policy",
            "externalTrafficPolicy of its Service",
            f"kubectl -n {_NAMESPACE} get service {_FRONT} -o yaml",
            "Cluster",
            "Local",
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Install the policies, and apply the guide's httpbin with a load balancer before it."""
        lab.cluster.helm(
            *("upgrade", "--install", "policies", str(CHART)),
            *("--namespace", "source-ip-policies", "--create-namespace"),
            *("--set", f"backend=policy,labelKey={_KEY}"),
        )
        lab.make_namespace(_NAMESPACE)
        lab.apply(scene.APPS / "httpbin.yaml", _NAMESPACE)
        lab.wait_until_running(_NAMESPACE, "deployment/httpbin")
        lab.wait_until_answering(_NAMESPACE, "httpbin")
        self._lead(lab)

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call httpbin from the mesh, and from outside."""
        url = f"http://httpbin.{_NAMESPACE}:8000/ip"
        scene.wait_until_known(lab, url)
        yield "ip", origin(lab.curl(url))
        agent = f"lab-{uuid4()}"
        front = self._front(lab)
        answer = lab.curl_from_outside(f"http://{front.published()}/ip", "--user-agent", agent)
        yield "load balancer", origin(answer)
        logged = lab.logged(agent, "deploy/httpbin", "istio-proxy", _NAMESPACE)
        yield "downstream_remote_address", logged["downstream_remote_address"]
        yield "policy", front.service()["spec"]["externalTrafficPolicy"]

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have Pod and Service made anew."""
        lab.kubectl("label", "namespace", _NAMESPACE, f"{_KEY}=enabled")
        lab.restart(_NAMESPACE, "deployment/httpbin")
        lab.wait_until_answering(_NAMESPACE, "httpbin")
        lab.kubectl("delete", "service", _FRONT, namespace=_NAMESPACE)
        self._lead(lab)

    def _lead(self, lab: Lab) -> None:
        """Make the Service, and lead to the node without the Pod, if that may be chosen."""
        lab.apply(MANIFESTS / "front.yaml", _NAMESPACE)
        front = self._front(lab)
        front.publish()
        front.choose(away_from=lab.pod(_NAMESPACE, "httpbin")["spec"]["nodeName"])
        lab.wait_for_answer_outside(f"http://{front.address}/ip")

    @staticmethod
    def _front(lab: Lab) -> Balancer:
        return Balancer(lab, _FRONT, _NAMESPACE, "10.98.0.14")
