"""Sidecar resources that lead to loopback, as the API server tells us and as istiod takes them."""

import json

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.conftest import DEADLINE, Cluster, make_namespace, pods_of
from tests.e2e.mesh import REDIRECTED, TRANSPARENT, Json, MeshPod, create, decision, fate
from tests.e2e.objects import mode
from tests.e2e.registration import KEY
from tests.istio import Istio
from tests.istio.xds import Proxy
from tests.situations import sidecar

pytestmark = pytest.mark.e2e

LABELS = {KEY: "enabled", "istio-injection": "enabled"}
SIDECARS = "sidecars.networking.istio.io"
WEB = MeshPod(says="", labels={"app": "web"}, expected=REDIRECTED, reason="loopback-ingress")


def apply(plane: ControlPlane, *manifests: Json) -> None:
    """Apply Sidecars; all API versions of theirs are the same object."""
    plane.kubectl("apply", "-f", "-", input="\n---\n".join(map(json.dumps, manifests)))


def follow(cluster: Cluster, namespace: str, expected: str | None) -> None:
    """Wait until a dry run shows that our watch has brought what was applied."""
    path = f"{pods_of(namespace)}?dryRun=All"
    cluster.plane.wait_for(
        lambda: mode(cluster.plane.api.json("POST", path, WEB.manifest())) == expected,
        DEADLINE,
        f"Pods of {namespace} to get {expected}",
    )


def follow_istiod(cluster: Cluster, istio: Istio, pod: Json, upstream: str | None) -> None:
    """Wait until istiod leads to this address what arrives at the port of a Sidecar's listener."""

    def leads() -> bool:
        proxy = Proxy(istio.xds_address, pod)
        return 9080 in proxy.ports and proxy.upstream(9080) == upstream

    cluster.plane.wait_for(leads, DEADLINE, f"istiod to lead to {upstream}")


@pytest.mark.parametrize(
    ("endpoint", "address"), [("127.0.0.1:8080", "127.0.0.1"), ("[::1]:8080", "127.0.0.1")]
)
def test_sidecar_that_leads_to_loopback(
    cluster: Cluster, istio: Istio, endpoint: str, address: str
) -> None:
    """Its Pods are left alone, for istiod would have Envoy call loopback from a client's address.

    Both of a Pod that we did not change: what istiod has for it, and what TPROXY would make of it.
    On IPv4 alone there is no ::1, and istiod takes 127.0.0.1 instead.
    """
    namespace = make_namespace(cluster.plane, f"mesh-{cluster.number()}", LABELS)
    apply(cluster.plane, sidecar("web", endpoint, namespace=namespace, selector={"app": "web"}))
    follow(cluster, namespace, None)
    selected = create(cluster, namespace, WEB.manifest())

    assert fate(selected) == REDIRECTED
    assert selected is not None
    assert decision(cluster, selected) == "loopback-ingress"
    other = create(cluster, namespace, MeshPod(says="", expected=TRANSPARENT, reason="").manifest())
    assert fate(other) == TRANSPARENT

    follow_istiod(cluster, istio, selected, address)
    assert not Proxy(istio.xds_address, selected).restores_addresses
    transparent = Proxy(istio.xds_address, selected, mode="TPROXY")
    assert (transparent.upstream(9080), transparent.restores_addresses) == (address, True)

    cluster.plane.kubectl("delete", SIDECARS, "web", namespace=namespace)
    follow(cluster, namespace, "TPROXY")


@pytest.mark.parametrize("endpoint", ["0.0.0.0:8080", ""])
def test_sidecar_that_leads_to_the_pod(cluster: Cluster, istio: Istio, endpoint: str) -> None:
    """A Sidecar that leads to the Pod's own address is no reason to leave its Pods alone."""
    namespace = make_namespace(cluster.plane, f"mesh-{cluster.number()}", LABELS)
    # One that we have to have seen by the time that the other one counts, for it was made before.
    apply(
        cluster.plane,
        sidecar("default", endpoint, namespace=namespace),
        sidecar("web", "127.0.0.1:8080", namespace=namespace, selector={"app": "web"}),
    )
    follow(cluster, namespace, None)
    cluster.plane.kubectl("delete", SIDECARS, "web", namespace=namespace)
    follow(cluster, namespace, "TPROXY")
    pod = create(cluster, namespace, WEB.manifest())

    assert fate(pod) == TRANSPARENT
    assert pod is not None
    follow_istiod(cluster, istio, pod, "192.0.2.1" if endpoint else None)
    assert Proxy(istio.xds_address, pod).restores_addresses


def test_which_sidecar_counts(cluster: Cluster, istio: Istio) -> None:
    """Ours is istiod's choice: a selector first, then the namespace's own, then the root's."""
    namespace = make_namespace(cluster.plane, f"mesh-{cluster.number()}", LABELS)
    root = sidecar("default", "127.0.0.1:8080", namespace="istio-system")
    own = sidecar("default", "0.0.0.0:8080", namespace=namespace)
    selecting = sidecar("web", "127.0.0.1:8080", namespace=namespace, selector={"app": "web"})
    chosen = []
    try:
        for manifest, expected in ((root, None), (own, "TPROXY"), (selecting, None)):
            apply(cluster.plane, manifest)
            follow(cluster, namespace, expected)
            pod = create(cluster, namespace, WEB.manifest())
            assert pod is not None
            follow_istiod(cluster, istio, pod, "127.0.0.1" if expected is None else "192.0.2.1")
            chosen.append(mode(pod))
    finally:
        cluster.plane.kubectl("delete", SIDECARS, "default", namespace="istio-system")

    assert chosen == [None, "TPROXY", None]
