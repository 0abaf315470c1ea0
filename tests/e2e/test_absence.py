"""When we are gone the cluster goes on, and when we are back so is the setting."""

import signal

import pytest

from tests.e2e.conftest import DEADLINE, Cluster, bare_pod, pods_of
from tests.e2e.objects import guide, mode

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda how: how.name)
def test_creations_go_on_without_us(cluster: Cluster, how: signal.Signals) -> None:
    """With failurePolicy Ignore creations go on as written, are audited, and we come back."""
    namespace = cluster.namespace()
    cluster.service.stop(how)
    try:
        cluster.kubectl(
            "apply", "-f", "-", namespace=namespace, manifest=guide("sleep.yaml", namespace)
        )
        without = mode(cluster.pod_of(namespace, "sleep"))
    finally:
        cluster.service.start()
    audit = cluster.audit_annotations(namespace, "pods")
    pod = bare_pod("p", namespace)
    path = f"{pods_of(namespace)}?dryRun=All"

    assert without is None
    assert any(key.startswith("failed-open.mutation.webhook.admission.k8s.io/") for key in audit)
    cluster.plane.wait_for(
        lambda: mode(cluster.plane.api.json("POST", path, pod)) == "TPROXY",
        DEADLINE,
        "the setting to be back",
    )


def test_api_server_that_goes_away_and_comes_back_finds_us(cluster: Cluster) -> None:
    """After a restart of the API server the first Pods get the setting as before."""
    namespace = cluster.namespace()
    cluster.plane.stop_apiserver()
    cluster.plane.start_apiserver()
    path = f"{pods_of(namespace)}?dryRun=All"
    cluster.plane.wait_for(
        lambda: mode(cluster.plane.api.json("POST", path, bare_pod("p", namespace))) == "TPROXY",
        DEADLINE,
        "the setting after a restart",
    )
    later = cluster.namespace()
    stored = cluster.plane.api.json("POST", pods_of(later), bare_pod("p", later))

    assert mode(stored) == "TPROXY"
