"""What Istio's real injector makes of a Pod, setting by setting."""

from typing import Literal

import pytest

from tests.controlplane import ApiError, ControlPlane
from tests.istio import Istio, Settings, pods
from tests.istio.calls import calls
from tests.istio.conftest import injected_pod, make_namespace, make_pod

pytestmark = pytest.mark.e2e


@pytest.mark.usefixtures("istio")
def test_pod_is_redirected_by_default(plane: ControlPlane) -> None:
    """Without any setting traffic is redirected, and the proxy is nobody special."""
    pod = injected_pod(plane)

    assert pods.injected(pod)
    assert pods.init_mode(pod) == pods.interception_mode_env(pod) == "REDIRECT"
    assert pods.proxy_user(pod) == 1337
    assert pods.proxy_capabilities(pod) == []
    assert pods.MODE_ANNOTATION not in pod["metadata"]["annotations"]


@pytest.mark.usefixtures("istio")
def test_annotation_makes_the_proxy_transparent(plane: ControlPlane) -> None:
    """The annotation reaches the rules, the proxy's listeners and its rights."""
    pod = injected_pod(plane, interceptionMode="TPROXY")

    assert pods.init_mode(pod) == pods.interception_mode_env(pod) == "TPROXY"
    assert pods.proxy_user(pod) == 0
    assert pods.proxy_capabilities(pod) == ["NET_ADMIN"]


@pytest.mark.usefixtures("istio")
@pytest.mark.parametrize("mode", ["tproxy", "Transparent", ""])
def test_invalid_mode_is_refused(plane: ControlPlane, mode: str) -> None:
    """Istio lets no Pod with a mode that it does not know into the cluster."""
    with pytest.raises(ApiError, match="interceptionMode invalid, use REDIRECT,TPROXY,NONE"):
        injected_pod(plane, interceptionMode=mode)


@pytest.mark.usefixtures("istio")
def test_only_labelled_namespaces_are_injected(plane: ControlPlane) -> None:
    """Where a namespace says nothing Pods are as they were written."""
    pod = make_pod(plane, make_namespace(plane), interceptionMode="tproxy")

    assert not pods.injected(pod)
    assert calls(plane, pod) == []


def test_every_namespace_on_request(plane: ControlPlane, istio: Istio) -> None:
    """With enableNamespacesByDefault a namespace that says nothing is injected too."""
    istio.configure(Settings(every_namespace=True))

    assert pods.injected(make_pod(plane, make_namespace(plane)))
    assert not pods.injected(make_pod(plane, make_namespace(plane, istio_injection="disabled")))


@pytest.mark.usefixtures("istio")
def test_images_are_those_of_the_release(plane: ControlPlane) -> None:
    """The build is stamped: images have a hub and the tag of a release."""
    image = pods.proxy(injected_pod(plane))["image"]

    repository, _, tag = image.rpartition(":")
    assert repository == "docker.io/istio/proxyv2"
    assert tag.startswith("1.")


@pytest.mark.parametrize("annotation", [None, "TPROXY"])
def test_cni_writes_the_mode_down(
    plane: ControlPlane, istio: Istio, annotation: str | None
) -> None:
    """With istio-cni nothing privileged starts first, and its plugin finds the mode written."""
    istio.configure(Settings(cni=True))
    pod = injected_pod(plane, **({} if annotation is None else {"interceptionMode": annotation}))
    initial = [container["name"] for container in pod["spec"]["initContainers"]]
    mode = annotation or "REDIRECT"

    assert pods.init_mode(pod) is None
    assert initial == ["istio-validation", "istio-proxy"]
    assert pod["metadata"]["annotations"][pods.MODE_ANNOTATION] == mode
    assert pods.interception_mode_env(pod) == mode
    assert pods.proxy_user(pod) == (0 if annotation else 1337)


def test_proxy_is_an_ordinary_container_on_old_nodes(plane: ControlPlane, istio: Istio) -> None:
    """A kubelet that is too old for native sidecars turns them off; a Pod may still ask for one."""
    assert pods.has_native_proxy(injected_pod(plane))
    assert not pods.has_native_proxy(injected_pod(plane, nativeSidecar="false"))

    istio.configure(Settings(native_sidecars=False))

    assert not pods.has_native_proxy(injected_pod(plane))
    assert pods.has_native_proxy(injected_pod(plane, nativeSidecar="true"))


@pytest.mark.parametrize("native", [True, False])
def test_rights_of_the_proxy_wherever_it_is(
    plane: ControlPlane, istio: Istio, native: bool
) -> None:
    """Native or not, a transparent proxy has the same rights."""
    istio.configure(Settings(native_sidecars=native))
    pod = injected_pod(plane, interceptionMode="TPROXY")

    assert pods.has_native_proxy(pod) is native
    assert pods.init_mode(pod) == "TPROXY"
    assert (pods.proxy_user(pod), pods.proxy_capabilities(pod)) == (0, ["NET_ADMIN"])


def test_mode_of_the_mesh(plane: ControlPlane, istio: Istio) -> None:
    """The mesh's mode holds for Pods that name none, and the Pod's own comes first."""
    istio.configure(Settings(interception_mode="TPROXY"))
    silent, explicit = injected_pod(plane), injected_pod(plane, interceptionMode="REDIRECT")

    assert (pods.init_mode(silent), pods.proxy_user(silent)) == ("TPROXY", 0)
    assert (pods.init_mode(explicit), pods.proxy_user(explicit)) == ("REDIRECT", 1337)


def test_mode_none_intercepts_nothing(plane: ControlPlane, istio: Istio) -> None:
    """In mode NONE there is a proxy and nothing that leads traffic to it."""
    istio.configure(Settings(interception_mode="NONE"))
    pod = injected_pod(plane)

    assert pods.init_mode(pod) is None
    assert pods.interception_mode_env(pod) == "NONE"


def test_configuration_by_another_name(plane: ControlPlane, istio: Istio) -> None:
    """The configuration can have a name that is called earlier, and then the other one is gone."""
    before = [each.configuration for each in calls(plane, injected_pod(plane))]
    istio.configure(Settings(configuration_name="0-istio"))
    after = [each.configuration for each in calls(plane, injected_pod(plane))]

    assert (before, after) == (["istio-sidecar-injector"], ["0-istio"])


@pytest.mark.parametrize("policy", ["Never", "IfNeeded"])
def test_injector_is_called_again_on_request(
    plane: ControlPlane, istio: Istio, policy: Literal["Never", "IfNeeded"]
) -> None:
    """With IfNeeded it is called twice: Kubernetes itself changes the containers that it adds."""
    istio.configure(Settings(reinvocation_policy=policy))
    pod = injected_pod(plane, interceptionMode="TPROXY")

    assert [each.round for each in calls(plane, pod)] == ([0, 1] if policy == "IfNeeded" else [0])
    assert pods.init_mode(pod) == pods.interception_mode_env(pod) == "TPROXY"
