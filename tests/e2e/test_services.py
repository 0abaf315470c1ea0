"""Services: explicit Cluster by every client, types that change, opting out."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.objects import load_balancer, policy
from tests.situations import RECORDS, packed

pytestmark = pytest.mark.e2e

APPLY = ("apply", "-f", "-")
SERVER_SIDE = ("apply", "--server-side", "-f", "-")
CREATE = ("create", "-f", "-")
SAVE_CONFIG = ("create", "--save-config", "-f", "-")


def stored_policy(cluster: Cluster, namespace: str) -> str | None:
    """Read the policy of the Service that the tests make."""
    return policy(cluster.plane.get("Service", "gw", namespace))


@pytest.mark.parametrize("way", [APPLY, SERVER_SIDE, SAVE_CONFIG], ids=" ".join)
def test_written_cluster_is_kept_and_kubectl_says_so(
    cluster: Cluster, way: tuple[str, ...]
) -> None:
    """Cluster in a manifest is a choice that is kept, whichever client tells of it."""
    namespace = cluster.namespace()
    _, warnings = cluster.kubectl(*way, namespace=namespace, manifest=load_balancer("Cluster"))

    assert stored_policy(cluster, namespace) == "Cluster"
    assert "Warning: externalTrafficPolicy Cluster is kept" in warnings
    annotations = cluster.audit_annotations(namespace, "services", "gw")
    assert annotations["services.source-ip-webhook.io/reason"] == "explicit-cluster"


@pytest.mark.parametrize(
    ("annotation", "record"),
    [
        ("app.oam.dev/last-applied-configuration", RECORDS[0]),
        ("objectset.rio.cattle.io/applied", packed(RECORDS[0])),
        ("configsync.gke.io/declared-fields", '{"f:spec":{"f:externalTrafficPolicy":{}}}'),
    ],
    ids=["KubeVela", "Rancher", "Config Sync"],
)
def test_record_of_another_tool_is_read(cluster: Cluster, annotation: str, record: str) -> None:
    """A plain create whose tool left a record of a written Cluster keeps it."""
    namespace = cluster.namespace()
    manifest = json.loads(load_balancer("Cluster"))
    manifest["metadata"]["annotations"] = {annotation: record}
    _, warnings = cluster.kubectl(*CREATE, namespace=namespace, manifest=json.dumps(manifest))

    assert stored_policy(cluster, namespace) == "Cluster"
    assert "Warning: externalTrafficPolicy Cluster is kept" in warnings


@pytest.mark.parametrize("way", [APPLY, SERVER_SIDE], ids=" ".join)
def test_written_cluster_does_not_flap(cluster: Cluster, way: tuple[str, ...]) -> None:
    """Applying a written Cluster again and again leaves the Service as it is."""
    namespace = cluster.namespace()
    for _ in range(3):
        cluster.kubectl(*way, namespace=namespace, manifest=load_balancer("Cluster"))
        assert stored_policy(cluster, namespace) == "Cluster"


@pytest.mark.parametrize("way", [CREATE, SAVE_CONFIG, APPLY, SERVER_SIDE], ids=" ".join)
def test_policy_by_default_becomes_local(cluster: Cluster, way: tuple[str, ...]) -> None:
    """Where the manifest names no policy the Service is Local, whichever client sends it."""
    namespace = cluster.namespace()
    _, warnings = cluster.kubectl(*way, namespace=namespace, manifest=load_balancer())

    assert stored_policy(cluster, namespace) == "Local"
    assert "Warning" not in warnings


def test_written_cluster_without_evidence_becomes_local(cluster: Cluster) -> None:
    """A plain create looks the same with and without the field: it gets the setting."""
    namespace = cluster.namespace()
    cluster.kubectl(*CREATE, namespace=namespace, manifest=load_balancer("Cluster"))

    assert stored_policy(cluster, namespace) == "Local"


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"externalTrafficPolicy": "cluster"}, 'Unsupported value: "cluster"'),
        ({"externalTrafficPolicy": "Global"}, 'Unsupported value: "Global"'),
        ({"healthCheckNodePort": 30123}, "healthCheckNodePort"),
    ],
    ids=["cluster", "Global", "healthCheckNodePort"],
)
@pytest.mark.parametrize("way", [CREATE, APPLY, SERVER_SIDE], ids=" ".join)
def test_what_the_api_server_refuses_stays_refused(
    cluster: Cluster, way: tuple[str, ...], spec: dict[str, Any], complaint: str
) -> None:
    """No patch of ours makes a request valid that the API server refuses, and kubectl says why."""
    namespace = cluster.namespace()
    done = cluster.plane.kubectl(
        *way, namespace=namespace, input=load_balancer(**spec), check=False
    )

    assert done.returncode != 0
    assert complaint in done.stderr
    assert "Warning: externalTrafficPolicy is left alone" in done.stderr
    assert cluster.plane.find("Service", "gw", namespace) is None
    annotations = cluster.audit_annotations(namespace, "services", "gw")
    assert annotations["services.source-ip-webhook.io/reason"] == "invalid-policy"


def test_service_can_opt_out(cluster: Cluster) -> None:
    """Where a plain create means its Cluster, the label says so, and we are not even asked."""
    namespace = cluster.namespace()
    manifest = load_balancer("Cluster", opted_out=True)
    cluster.kubectl(*CREATE, namespace=namespace, manifest=manifest)

    assert stored_policy(cluster, namespace) == "Cluster"
    assert cluster.service.decisions(namespace) == []


@pytest.mark.parametrize("before", ["ClusterIP", "NodePort"])
def test_service_that_becomes_a_load_balancer_gets_the_setting(
    cluster: Cluster, before: str
) -> None:
    """Turning a Service into a load balancer is when its load balancer is made: Local from then."""
    namespace = cluster.namespace()
    cluster.kubectl(*APPLY, namespace=namespace, manifest=load_balancer(type=before))
    asked_before = len(cluster.service.decisions(namespace))
    patch = json.dumps({"spec": {"type": "LoadBalancer"}})
    cluster.kubectl("patch", "service", "gw", "-p", patch, namespace=namespace)
    service = cluster.plane.get("Service", "gw", namespace)

    assert asked_before == 0
    assert policy(service) == "Local"
    assert service["spec"]["healthCheckNodePort"]


@pytest.mark.parametrize("way", [APPLY, SERVER_SIDE], ids=" ".join)
def test_manifest_that_turns_a_service_into_a_load_balancer_is_read(
    cluster: Cluster, way: tuple[str, ...]
) -> None:
    """Cluster that is written together with the new type is kept."""
    namespace = cluster.namespace()
    cluster.kubectl(*way, namespace=namespace, manifest=load_balancer(type="ClusterIP"))
    cluster.kubectl(*way, namespace=namespace, manifest=load_balancer("Cluster"))

    assert stored_policy(cluster, namespace) == "Cluster"


@pytest.mark.parametrize("way", ["patch", "apply", "replace"])
def test_person_can_switch_back(cluster: Cluster, way: str) -> None:
    """A load balancer that is switched to Cluster later stays so, and its author is warned."""
    namespace = cluster.namespace()
    cluster.kubectl(*APPLY, namespace=namespace, manifest=load_balancer())
    if way == "patch":
        patch = json.dumps({"spec": {"externalTrafficPolicy": "Cluster"}})
        told = cluster.kubectl("patch", "service", "gw", "-p", patch, namespace=namespace)
    else:
        manifest = load_balancer("Cluster")
        told = cluster.kubectl(way, "-f", "-", namespace=namespace, manifest=manifest)

    assert stored_policy(cluster, namespace) == "Cluster"
    assert "Warning: externalTrafficPolicy Local becomes Cluster" in told[1]
    reasons = [event["reason"] for event in cluster.service.decisions(namespace)]
    assert reasons == ["added", "set-back-to-cluster"]


def test_no_other_update_of_a_load_balancer_is_sent(cluster: Cluster) -> None:
    """Labels, affinity, status, and even the step to Local are updates that nobody waits for."""
    namespace = cluster.namespace()
    cluster.kubectl(*APPLY, namespace=namespace, manifest=load_balancer("Cluster"))
    service = ("service", "gw")
    ingress = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}})
    for update in (
        ("label", *service, "a=b"),
        ("patch", *service, "-p", json.dumps({"spec": {"sessionAffinity": "ClientIP"}})),
        ("patch", *service, "--subresource=status", "-p", ingress),
        ("patch", *service, "-p", json.dumps({"spec": {"externalTrafficPolicy": "Local"}})),
        ("label", *service, "a=c", "--overwrite"),
        ("patch", *service, "-p", json.dumps({"spec": {"type": "ClusterIP"}})),
    ):
        cluster.kubectl(*update, namespace=namespace)

    assert [event["reason"] for event in cluster.service.decisions(namespace)] == [
        "explicit-cluster"
    ]


def test_dry_run_of_a_service_shows_the_setting(cluster: Cluster) -> None:
    """A server-side dry run comes back Local and stores nothing."""
    namespace = cluster.namespace()
    shown, _ = cluster.kubectl(
        *("apply", "--dry-run=server", "-o", "json", "-f", "-"),
        namespace=namespace,
        manifest=load_balancer(),
    )

    assert policy(json.loads(shown)) == "Local"
    assert cluster.plane.find("Service", "gw", namespace) is None
