"""preview says what the real API server and the real service do, whoever creates the object."""

import json
from pathlib import Path

import helm_python
import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.objects import load_balancer, policy
from webhook.manifests.objects import find_objects
from webhook.offline.apiserver import Applier
from webhook.offline.preview import build_preview

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
    (foreseen,) = build_preview([find_objects("f", manifest)], applier=applier).forecasts

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

    without, complete = (build_preview([find_objects("f", text)]) for text in (hidden, shown))
    assert complete.forecasts[0].reason == "explicit-cluster"
    assert without.forecasts[0].reason == "added"
    assert "use kubectl get --show-managed-fields" in without.remarks[0]


_CHART = "{apiVersion: v2, name: gw, version: 1.0.0}\n"
_TEMPLATE = """\
apiVersion: v1
kind: Service
metadata: {name: gw}
spec:
  type: LoadBalancer
  selector: {app: gw}
  ports: [{port: 80}]
  {{- with .Values.policy }}
  externalTrafficPolicy: {{ . }}
  {{- end }}
"""


@pytest.mark.parametrize("written", ["", "Cluster", "Local"])
def test_preview_of_what_helm_renders(cluster: Cluster, tmp_path: Path, written: str) -> None:
    """``helm template | preview --applied-by helm4`` tells what ``helm install`` of Helm 4 does."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text(_CHART)
    (tmp_path / "templates" / "service.yaml").write_text(_TEMPLATE)
    chart, values = helm_python.Chart.load(tmp_path), {"policy": written}
    (rendered,) = chart.render(values, name="gw", namespace="shop").values()
    (foreseen,) = build_preview([find_objects("stdin", rendered)], applier=Applier.HELM4).forecasts

    namespace = cluster.namespace()
    kubeconfig = cluster.plane.kubeconfig
    with helm_python.Config(kubeconfig_path=kubeconfig, namespace=namespace) as helm:
        helm.install(chart, "gw", values, namespace=namespace)

    annotations = cluster.audit_annotations(namespace, "services", "gw")
    assert annotations["services.source-ip-webhook.io/reason"] == foreseen.reason
    stored = policy(cluster.plane.get("Service", "gw", namespace))
    assert stored == ("Cluster" if written == "Cluster" else "Local")
