"""Beyond the guide: where the settings could do harm, and where they come too late."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tests.lab import scene
from tests.lab.addresses import LOOPBACK, NODE, SIDECAR
from tests.lab.balancer import Balancer
from tests.lab.case import Check, Seen
from tests.lab.lab import MANIFESTS, NO_ANSWER, REFUSED, Json, Lab, origin
from webhook.labels import INTERCEPTION_MODE


class Strict:
    """Mutual TLS demanded of every caller."""

    name: ClassVar = "strict-mtls"
    title: ClassVar = "Mutual TLS STRICT"
    change: ClassVar = (
        "kubectl label namespace strict source-ip-preservation=enabled; "
        "kubectl -n strict rollout restart deployment/httpbin"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "mesh",
            "called from the mesh",
            "kubectl exec deploy/sleep -- curl http://httpbin.strict:8000/ip",
            SIDECAR,
            "Pod sleep",
        ),
        Check(
            "legacy",
            "called by a Pod without sidecar",
            "kubectl -n legacy exec deploy/sleep -- curl http://httpbin.strict:8000/ip",
            REFUSED,
            REFUSED,
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Apply the guide's httpbin, and demand mutual TLS."""
        deploy_httpbin(lab, "strict", MANIFESTS / "strict.yaml")

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call it with a sidecar and without."""
        url = "http://httpbin.strict:8000/ip"
        scene.wait_until_known(lab, url)
        yield "mesh", origin(lab.curl(url))
        yield "legacy", origin(lab.curl(url, namespace=scene.LEGACY))

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have the Pod made anew."""
        lab.opt_in("strict")
        lab.restart("strict", "deployment/httpbin")
        lab.wait_until_answering("strict", "httpbin")


class LoopbackSidecar:
    """A Sidecar resource that leads inbound connections to 127.0.0.1."""

    name: ClassVar = "loopback-sidecar"
    title: ClassVar = "A Sidecar that leads to loopback"
    change: ClassVar = (
        "kubectl label namespace loopback source-ip-preservation=enabled; "
        "kubectl -n loopback rollout restart deployment"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "left alone",
            "httpbin, which we leave alone",
            "kubectl exec deploy/sleep -- curl http://httpbin.loopback:8000/ip",
            LOOPBACK,
            LOOPBACK,
        ),
        Check(
            "harm",
            "the harm: the same with the annotation by hand",
            "kubectl exec deploy/sleep -- curl http://forced.loopback:8000/ip",
            NO_ANSWER,
            NO_ANSWER,
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Apply the guide's httpbin, and the Sidecar."""
        deploy_httpbin(lab, "loopback", MANIFESTS / "loopback.yaml", "forced")

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call both."""
        url = "http://httpbin.loopback:8000/ip"
        scene.wait_until_known(lab, url)
        yield "left alone", origin(lab.curl(url))
        yield "harm", origin(lab.curl("http://forced.loopback:8000/ip"))

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have the Pods made anew."""
        lab.opt_in("loopback")
        lab.restart("loopback", "deployment/httpbin", "deployment/forced")
        lab.wait_until_answering("loopback", "httpbin", "forced")


class IstioFirst:
    """A mesh whose injector is called before us: of another revision, by a name of its own."""

    name: ClassVar = "istio-first"
    title: ClassVar = "Istio's webhook called first"
    change: ClassVar = (
        "kubectl label namespace early source-ip-preservation=enabled; "
        "kubectl -n early rollout restart deployment/httpbin"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "ip",
            "the harm: the namespace has opted in, and nothing comes of it",
            "kubectl exec deploy/sleep -- curl http://httpbin.early:8000/ip",
            SIDECAR,
            SIDECAR,
        ),
        Check(
            "annotation",
            "the annotation, which would only pretend",
            "kubectl -n early get pod -l app=httpbin -o yaml",
            "absent",
            "absent",
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Register the injector once more, for a revision, under a name that sorts before ours."""
        text = lab.kubectl("get", *_INJECTOR, "-o", "json").stdout
        lab.kubectl("create", "-f", "-", stdin=json.dumps(renamed(json.loads(text))))
        lab.make_namespace("early", injected=False, **{"istio.io/rev": "early"})
        lab.apply(scene.APPS / "httpbin.yaml", "early")
        lab.wait_until_running("early", "deployment/httpbin")
        lab.wait_until_answering("early", "httpbin")

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call it, and read what the Pod says of itself."""
        url = "http://httpbin.early:8000/ip"
        scene.wait_until_known(lab, url)
        yield "ip", origin(lab.curl(url))
        yield (
            "annotation",
            lab.pod("early", "httpbin")["metadata"]["annotations"].get(INTERCEPTION_MODE, "absent"),
        )

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have the Pod made anew."""
        lab.opt_in("early")
        lab.restart("early", "deployment/httpbin")
        lab.wait_until_answering("early", "httpbin")


_INJECTOR = ("mutatingwebhookconfiguration", "istio-sidecar-injector")


def renamed(configuration: Json) -> Json:
    """Return the injector's configuration for revision ``early`` alone, under another name.

    The API server calls configurations in the order of their names' bytes; ours is ``0-s...``.
    """
    first = configuration["webhooks"][0]
    selector = {"matchLabels": {"istio.io/rev": "early"}}
    webhook = {**first, "namespaceSelector": selector, "objectSelector": {}}
    return {
        "apiVersion": configuration["apiVersion"],
        "kind": configuration["kind"],
        "metadata": {"name": "0-istio-sidecar-injector-early"},
        "webhooks": [webhook],
    }


class NoSelector:
    """A Service whose endpoints somebody writes by hand: for kube-proxy they are on no node."""

    name: ClassVar = "no-selector"
    title: ClassVar = "A Service without a selector"
    change: ClassVar = (
        "kubectl label namespace bare source-ip-preservation=enabled; "
        "kubectl -n bare delete service by-hand; kubectl -n bare apply -f service.yaml"
    )
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        Check(
            "left alone",
            "what we leave alone",
            "curl http://$LOAD_BALANCER/ip",
            NODE,
            NODE,
        ),
        Check(
            "policy",
            "its externalTrafficPolicy",
            "kubectl -n bare get service by-hand -o yaml",
            "Cluster",
            "Cluster",
        ),
        Check(
            "harm",
            "the harm: the same with Local by hand",
            "curl http://$LOAD_BALANCER/ip",
            NO_ANSWER,
            NO_ANSWER,
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Make the Services, and lead them to httpbin outside the mesh."""
        lab.make_namespace("bare", injected=False)
        self._apply(lab)

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Call both Services from outside."""
        fronts = self._fronts(lab)
        yield "left alone", origin(lab.curl_from_outside(f"http://{fronts[0].published()}/ip"))
        yield "policy", fronts[0].service()["spec"]["externalTrafficPolicy"]
        yield "harm", origin(lab.curl_from_outside(f"http://{fronts[1].published()}/ip"))

    def make_change(self, lab: Lab) -> None:
        """Label the namespace, and have the Services made anew."""
        lab.opt_in("bare")
        lab.kubectl("delete", "service", "by-hand", "by-hand-local", namespace="bare")
        self._apply(lab)

    def _apply(self, lab: Lab) -> None:
        lab.apply(MANIFESTS / "no-selector.yaml", "bare")
        pod = lab.pod(scene.LEGACY, "httpbin")
        lab.apply(json.dumps(endpoints("by-hand", pod)), "bare")
        lab.apply(json.dumps(endpoints("by-hand-local", pod)), "bare")
        away = next(n for n in lab.cluster.nodes if n.name != pod["spec"]["nodeName"])
        for front in self._fronts(lab):
            front.publish()
            front.lead_to(away)
        lab.wait_for_answer_outside(f"http://{self._fronts(lab)[0].address}/ip")

    @staticmethod
    def _fronts(lab: Lab) -> tuple[Balancer, Balancer]:
        return (
            Balancer(lab, "by-hand", "bare", "10.98.0.12"),
            Balancer(lab, "by-hand-local", "bare", "10.98.0.13"),
        )


def endpoints(service: str, pod: Json) -> Json:
    """Make the EndpointSlice that somebody would write by hand: an address, and no node."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8000}],
        "endpoints": [{"addresses": [pod["status"]["podIP"]]}],
    }


def deploy_httpbin(lab: Lab, namespace: str, first: Path, *more: str) -> None:
    """Make a namespace with the guide's httpbin in it, after what decides how it is called.

    Args:
        lab: Where.
        namespace: The namespace.
        first: A manifest that is applied before.
        more: Deployments of that manifest to wait for.
    """
    lab.make_namespace(namespace)
    lab.apply(first, namespace)
    lab.apply(scene.APPS / "httpbin.yaml", namespace)
    apps = ("httpbin", *more)
    lab.wait_until_running(namespace, *(f"deployment/{app}" for app in apps))
    lab.wait_until_answering(namespace, *apps)
