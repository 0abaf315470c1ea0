"""preview says what the real API server and the real service do, whoever creates the object."""

import json

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.objects import load_balancer, policy
from webhook.offline.applier import Applier
from webhook.offline.manifests import file
from webhook.offline.preview import preview

pytestmark = pytest.mark.e2e

WAYS = {
    Applier.KUBECTL: ("apply", "-f", "-"),
    Applier.SERVER_SIDE: ("apply", "--server-side", "-f", "-"),
    Applier.CREATE: ("create", "-f", "-"),
}


@pytest.mark.parametrize("written", [None, "Cluster", "null"])
@pytest.mark.parametrize("applier", WAYS)
def test_preview_is_what_happens(cluster: Cluster, applier: Applier, written: str | None) -> None:
    """A written policy, a silent one and a null become what the preview says."""
    body = json.loads(load_balancer(written))
    if written == "null":
        body["spec"]["externalTrafficPolicy"] = None
    manifest = json.dumps(body)
    (foreseen,) = preview([file("f", manifest)], applier=applier).forecasts

    namespace = cluster.namespace()
    cluster.kubectl(*WAYS[applier], namespace=namespace, manifest=manifest)
    stored = policy(cluster.plane.get("Service", "gw", namespace))

    assert (foreseen.reason == "added") is (stored == "Local")
    annotations = cluster.audit_annotations(namespace, "services", "gw")
    assert annotations["services.source-ip-webhook.io/reason"] == foreseen.reason


def test_preview_of_what_a_cluster_gives(cluster: Cluster) -> None:
    """A Service that is read back tells by itself what its creation told."""
    namespace = cluster.namespace()
    way = WAYS[Applier.SERVER_SIDE]
    cluster.kubectl(*way, namespace=namespace, manifest=load_balancer("Cluster"))
    read = ("get", "service", "gw", "-o", "yaml")
    hidden, _ = cluster.kubectl(*read, namespace=namespace)
    shown, _ = cluster.kubectl(*read, "--show-managed-fields", namespace=namespace)

    without, complete = (preview([file("f", text)]) for text in (hidden, shown))
    assert complete.forecasts[0].reason == "explicit-cluster"
    assert without.forecasts[0].reason == "added"
    assert "use kubectl get --show-managed-fields" in without.remarks[0]
