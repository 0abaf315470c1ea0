"""Our decision beside Istio in each of its ways to run, and what happens in the wrong order."""

import dataclasses
import json
from collections.abc import Iterator

import pytest

from tests.controlplane import ApiError
from tests.e2e.conftest import DEADLINE, Cluster, make_namespace, pods_of
from tests.e2e.mesh import (
    NOT_INJECTED,
    REDIRECTED,
    TRANSPARENT,
    MeshPod,
    annotated,
    create,
    decision,
    fate,
)
from tests.e2e.objects import guide, mode
from tests.e2e.registration import KEY
from tests.istio import Istio, Settings, pods
from tests.istio.calls import calls
from tests.istio.xds import Proxy

pytestmark = pytest.mark.e2e

BARE = MeshPod(says="a bare pod", expected=TRANSPARENT, reason="added")
AFTER_US = "istio-sidecar-injector"
BEFORE_US = "0-istio-sidecar-injector"
"""Sorts before 0-source-ip-webhook, as no installation of Istio does by itself."""


@pytest.fixture(autouse=True)
def _own_settings(istio: Istio) -> Iterator[None]:
    """Give Istio back its own settings after each test."""
    yield
    if istio.settings != Settings():
        istio.configure()


@pytest.mark.parametrize("cni", [False, True], ids=["istio-init", "istio-cni"])
@pytest.mark.parametrize("native", [False, True], ids=["container", "native sidecar"])
def test_every_kind_of_sidecar_becomes_transparent(
    cluster: Cluster, istio: Istio, *, cni: bool, native: bool
) -> None:
    """With and without istio-cni, native or not: transparent, and as ever in a plain namespace."""
    istio.configure(Settings(cni=cni, native_sidecars=native))
    opted_in, plain = BARE.create(cluster), BARE.create(cluster, opted_in=False)

    assert (fate(opted_in), fate(plain)) == (TRANSPARENT, REDIRECTED)
    assert opted_in is not None
    assert plain is not None
    assert pods.has_native_proxy(opted_in) is native
    assert pods.init_mode(opted_in) == (None if cni else "TPROXY")
    assert (mode(opted_in), mode(plain)) == ("TPROXY", "REDIRECT" if cni else None)


@pytest.mark.parametrize("cni", [False, True], ids=["istio-init", "istio-cni"])
@pytest.mark.parametrize("reinvocation", ["Never", "IfNeeded"])
def test_after_istio_nothing_is_touched(
    cluster: Cluster, istio: Istio, reinvocation: str, *, cni: bool
) -> None:
    """Called after Istio we leave the Pod as it was injected: an annotation would be a lie."""
    istio.configure(
        Settings(
            cni=cni,
            reinvocation_policy="IfNeeded" if reinvocation == "IfNeeded" else "Never",
            configuration_name=BEFORE_US,
        )
    )
    pod = BARE.create(cluster)

    assert fate(pod) == REDIRECTED
    assert pod is not None
    assert decision(cluster, pod) == "already-injected"
    assert not annotated(pod)


def test_after_istio_the_annotation_would_be_a_lie(cluster: Cluster, istio: Istio) -> None:
    """What the rule prevents: a Pod that says TPROXY in front of a proxy that redirects."""
    istio.configure(Settings(configuration_name=BEFORE_US))
    pod = BARE.create(cluster)
    assert pod is not None
    patch = {"metadata": {"annotations": {"sidecar.istio.io/interceptionMode": "TPROXY"}}}
    path = f"{pods_of(pod['metadata']['namespace'])}/{pod['metadata']['name']}"
    content_type = "application/merge-patch+json"
    lie = cluster.plane.request("PATCH", path, patch, content_type=content_type).json()

    assert annotated(lie)
    assert pods.init_mode(lie) == pods.interception_mode_env(lie) == "REDIRECT"
    assert pods.proxy_user(lie) == 1337


def test_called_again_istio_does_not_undo_it(cluster: Cluster, istio: Istio) -> None:
    """With Istio's reinvocationPolicy IfNeeded the Pod stays transparent; we are called once."""
    istio.configure(Settings(reinvocation_policy="IfNeeded"))
    pod = BARE.create(cluster)

    assert fate(pod) == TRANSPARENT
    assert pod is not None
    ours = [call for call in calls(cluster.plane, pod) if "source-ip" in call.configuration]
    assert len(ours) == 1


@pytest.mark.usefixtures("istio")
def test_we_are_called_first(cluster: Cluster) -> None:
    """The API server calls us before Istio, by the byte order of the configurations' names."""
    pod = BARE.create(cluster)
    assert pod is not None
    names = [call.configuration for call in calls(cluster.plane, pod)]

    assert names == ["0-source-ip-webhook", AFTER_US]


def test_mesh_wide_mode_makes_no_difference(cluster: Cluster, istio: Istio) -> None:
    """In a mesh that is transparent by default our annotation says what is so already."""
    istio.configure(Settings(interception_mode="TPROXY"))

    assert fate(BARE.create(cluster)) == fate(BARE.create(cluster, opted_in=False)) == TRANSPARENT


@pytest.mark.parametrize("localhost", [False, True], ids=["PASSTHROUGH", "LOCALHOST"])
def test_mesh_may_lead_to_loopback(cluster: Cluster, istio: Istio, *, localhost: bool) -> None:
    """What --inbound-localhost is for: no object shows that TPROXY would break every Pod."""
    istio.configure(Settings(inbound_localhost=localhost))
    pod = dataclasses.replace(BARE, labels={"app": "web"}).create(cluster)
    assert pod is not None
    port = {"name": "http", "port": 80, "targetPort": 8080}
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [port]}}
    services = f"/api/v1/namespaces/{pod['metadata']['namespace']}/services"
    cluster.plane.api.json("POST", services, service)

    def leads() -> bool:
        proxy = Proxy(istio.xds_address, pod)
        return 8080 in proxy.ports and (proxy.upstream(8080) == "127.0.0.1") == localhost

    cluster.plane.wait_for(leads, DEADLINE, "istiod to know the Service and the policy")
    assert (decision(cluster, pod), fate(pod)) == ("added", TRANSPARENT)
    assert Proxy(istio.xds_address, pod).restores_addresses


def test_injection_without_labels_is_served(cluster: Cluster, istio: Istio) -> None:
    """Where Istio injects every namespace, Pods without any label of Istio's get the setting."""
    istio.configure(Settings(every_namespace=True))
    case = MeshPod(says="", namespace={}, expected=TRANSPARENT, reason="added")

    assert fate(case.create(cluster)) == TRANSPARENT


def test_pod_security_would_refuse_what_we_leave_alone(cluster: Cluster, istio: Istio) -> None:
    """With istio-cni at level baseline a Pod exists because we skip it; with TPROXY it cannot."""
    istio.configure(Settings(cni=True))
    labels = {"istio-injection": "enabled", "pod-security.kubernetes.io/enforce": "baseline"}
    case = MeshPod(says="", namespace=labels, expected=REDIRECTED, reason="pod-security")
    pod = case.create(cluster)

    assert fate(pod) == REDIRECTED
    assert pod is not None
    assert decision(cluster, pod) == "pod-security"
    manifest = case.manifest()
    manifest["metadata"]["annotations"] = {"sidecar.istio.io/interceptionMode": "TPROXY"}
    with pytest.raises(ApiError, match="violates PodSecurity"):
        cluster.plane.api.json("POST", pods_of(pod["metadata"]["namespace"]), manifest)


@pytest.mark.usefixtures("istio")
@pytest.mark.parametrize("level", ["warn", "audit"])
def test_pod_security_that_complains_is_announced(cluster: Cluster, level: str) -> None:
    """Where Pod Security only complains the Pod gets the setting, and kubectl the reason."""
    labels = {
        KEY: "enabled",
        "istio-injection": "enabled",
        f"pod-security.kubernetes.io/{level}": "baseline",
    }
    namespace = make_namespace(cluster.plane, f"mesh-{cluster.number()}", labels)
    manifest = json.dumps({"apiVersion": "v1", "kind": "Pod", **BARE.manifest()})
    shown, warnings = cluster.kubectl(
        *("create", "-o", "json", "-f", "-"), namespace=namespace, manifest=manifest
    )

    assert fate(json.loads(shown)) == TRANSPARENT
    assert "Warning: TPROXY makes the sidecar root with NET_ADMIN" in warnings


@pytest.mark.usefixtures("istio")
def test_pod_that_is_copied_with_its_sidecar_stays_as_it_is(cluster: Cluster) -> None:
    """A Pod that was redirected, exported and created anew where opted in is not lied about."""
    exported = BARE.create(cluster, opted_in=False)
    assert exported is not None
    metadata = exported["metadata"]
    kept = {key: metadata[key] for key in ("annotations", "labels") if key in metadata}
    copy = {
        "metadata": {"generateName": "copy-", **kept},
        "spec": {**exported["spec"], "volumes": [], "nodeName": ""},
    }
    labels = {KEY: "enabled", "istio-injection": "enabled"}
    namespace = make_namespace(cluster.plane, f"mesh-{cluster.number()}", labels)
    pod = create(cluster, namespace, copy)

    assert pod is None or not annotated(pod)
    assert cluster.service.decisions(namespace)[-1]["reason"] == "already-injected"


@pytest.mark.usefixtures("istio")
@pytest.mark.parametrize("app", ["sleep", "httpbin"])
def test_guide_becomes_transparent(cluster: Cluster, app: str) -> None:
    """The guide's Deployments, unchanged: each of their Pods carries a transparent sidecar."""
    labels = {KEY: "enabled", "istio-injection": "enabled"}
    namespace = make_namespace(cluster.plane, f"mesh-{cluster.number()}", labels)
    cluster.kubectl(
        "apply", "-f", "-", namespace=namespace, manifest=guide(f"{app}.yaml", namespace)
    )
    first = cluster.pod_of(namespace, app)
    cluster.kubectl("delete", "pod", first["metadata"]["name"], "--wait=false", namespace=namespace)
    again = cluster.plane.wait_for(
        lambda: [
            pod
            for pod in cluster.pods(namespace, app)
            if pod["metadata"]["uid"] != first["metadata"]["uid"]
        ],
        DEADLINE,
        f"a new Pod of {app}",
    )

    assert fate(first) == fate(again[0]) == TRANSPARENT


@pytest.mark.usefixtures("istio")
def test_gateway_by_injection_is_left_alone(cluster: Cluster) -> None:
    """A gateway that Istio injects into an empty container gets no annotation that says nothing."""
    gateway = MeshPod(
        says="",
        annotations={"inject.istio.io/templates": "gateway"},
        labels={"istio": "ingressgateway", "sidecar.istio.io/inject": "true"},
        spec={"containers": [{"name": "istio-proxy", "image": "auto"}]},
        expected=REDIRECTED,
        reason="other-template",
    )
    pod = gateway.create(cluster)

    assert pod is not None
    assert pods.injected(pod)
    assert decision(cluster, pod) == "other-template"
    assert not annotated(pod)


def test_second_revision_is_served_as_well(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, istio: Istio
) -> None:
    """A namespace of another revision is injected by that one, transparent as well."""
    assert istio.pid
    folder = tmp_path_factory.mktemp("canary")
    canary = MeshPod(
        says="", namespace={"istio.io/rev": "canary"}, expected=TRANSPARENT, reason="added"
    )
    with Istio(cluster.plane, folder, revision="canary"):
        opted_in, plain = canary.create(cluster), canary.create(cluster, opted_in=False)

    assert (fate(opted_in), fate(plain)) == (TRANSPARENT, REDIRECTED)
    assert fate(canary.create(cluster)) == NOT_INJECTED
