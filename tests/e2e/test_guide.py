"""The guide's own manifests, applied unchanged, in an opted-in and in a plain namespace."""

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.objects import guide, mode, policy

pytestmark = pytest.mark.e2e

APPLY = ("apply", "-f", "-")
SERVER_SIDE = ("apply", "--server-side", "-f", "-")
CREATE = ("create", "-f", "-")

each_way = pytest.mark.parametrize("way", [APPLY, SERVER_SIDE, CREATE], ids=" ".join)


@each_way
@pytest.mark.parametrize("app", ["sleep", "httpbin"])
@pytest.mark.parametrize(("label", "expected"), [("enabled", "TPROXY"), (None, None)])
def test_deployment_makes_pods_that_keep_addresses(
    cluster: Cluster, way: tuple[str, ...], app: str, label: str | None, expected: str | None
) -> None:
    """The Pods of the guide's Deployments have the annotation where the namespace opted in."""
    namespace = cluster.namespace(label)
    cluster.kubectl(*way, namespace=namespace, manifest=guide(f"{app}.yaml", namespace))

    assert mode(cluster.pod_of(namespace, app)) == expected


@each_way
@pytest.mark.parametrize("label", ["enabled", None])
def test_gateway_service_keeps_addresses(
    cluster: Cluster, way: tuple[str, ...], label: str | None
) -> None:
    """The gateway's Service is Local, with a health check for the load balancer, where opted in."""
    namespace = cluster.namespace(label)
    cluster.kubectl(
        *way, namespace=namespace, manifest=guide("istio-ingressgateway.yaml", namespace)
    )
    service = cluster.plane.get("Service", "istio-ingressgateway", namespace)

    assert policy(service) == ("Local" if label else "Cluster")
    assert ("healthCheckNodePort" in service["spec"]) == bool(label)


@pytest.mark.parametrize("app", ["sleep", "httpbin"])
def test_other_services_and_templates_are_as_written(cluster: Cluster, app: str) -> None:
    """ClusterIP Services and the Deployments themselves are untouched in an opted-in namespace."""
    namespace = cluster.namespace()
    cluster.kubectl(*APPLY, namespace=namespace, manifest=guide(f"{app}.yaml", namespace))
    template = cluster.plane.get("Deployment", app, namespace)["spec"]["template"]

    assert policy(cluster.plane.get("Service", app, namespace)) is None
    assert "annotations" not in template["metadata"]


@pytest.mark.parametrize("way", [APPLY, SERVER_SIDE], ids=" ".join)
@pytest.mark.parametrize("name", ["sleep", "httpbin", "istio-ingressgateway"])
def test_applying_again_changes_nothing(cluster: Cluster, way: tuple[str, ...], name: str) -> None:
    """A second apply of the same manifest, and ``kubectl diff``, find nothing to do: no drift."""
    namespace = cluster.namespace()
    manifest = guide(f"{name}.yaml", namespace)
    cluster.kubectl(*way, namespace=namespace, manifest=manifest)
    kinds = "service,serviceaccount" if name != "istio-ingressgateway" else "service"
    listing = ("get", kinds, "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    before, _ = cluster.kubectl(*listing, namespace=namespace)
    cluster.kubectl(*way, namespace=namespace, manifest=manifest)
    after, _ = cluster.kubectl(*listing, namespace=namespace)
    difference, _ = cluster.kubectl("diff", *way[1:], namespace=namespace, manifest=manifest)

    assert before == after
    assert difference == ""


@pytest.mark.parametrize("label", ["east-west", "north-south"])
def test_half_can_be_had_alone(cluster: Cluster, label: str) -> None:
    """A namespace can ask for its Pods or for its Services alone."""
    namespace = cluster.namespace(label)
    for name in ("httpbin.yaml", "istio-ingressgateway.yaml"):
        cluster.kubectl(*APPLY, namespace=namespace, manifest=guide(name, namespace))
    service = cluster.plane.get("Service", "istio-ingressgateway", namespace)

    assert (mode(cluster.pod_of(namespace, "httpbin")), policy(service)) == (
        ("TPROXY", "Cluster") if label == "east-west" else (None, "Local")
    )
