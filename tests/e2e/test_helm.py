"""Services of Helm charts: what an installation leaves, and what the first upgrade makes of it.

Helm 3 merges three ways on the client and leaves no evidence of what the chart wrote; Helm 4 uses
server-side apply, which does.
"""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import helm_python
import pytest

from tests.controlplane.absence import skipped_without_binaries
from tests.e2e.conftest import Cluster
from tests.e2e.objects import policy
from tests.helm3.binary import run

pytestmark = pytest.mark.e2e

LOST = "externalTrafficPolicy Local becomes Cluster and hides clients"
KEPT = "externalTrafficPolicy Cluster is kept"

_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: gw
  annotations: {example.org/note: {{ .Values.note | quote }}}
  {{- with .Values.label }}
  labels: {source-ip-preservation: {{ . }}}
  {{- end }}
spec:
  type: LoadBalancer
  selector: {app: gw}
  ports: [{port: 80}]
  {{- with .Values.policy }}
  externalTrafficPolicy: {{ . }}
  {{- end }}
"""
"""As in the charts of the field: the policy is a value, and written where it is not empty."""


@dataclasses.dataclass(frozen=True)
class Release:
    """A release of that chart, and its Service."""

    cluster: Cluster
    namespace: str
    helm: Callable[..., str]

    def apply(self, action: str, **values: str) -> str:
        """Install or upgrade it; return what Helm printed of the API server's warnings."""
        return self.helm(action, self.namespace, {"note": "", "label": "", "policy": "", **values})

    @property
    def policy(self) -> str | None:
        """The policy that is stored."""
        return policy(self.cluster.plane.get("Service", "gw", self.namespace))

    @property
    def reasons(self) -> list[str]:
        """The reasons of all decisions so far."""
        return [event["reason"] for event in self.cluster.service.decisions(self.namespace)]


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart."""
    (folder := tmp_path / "gw" / "templates").mkdir(parents=True)
    (folder / "service.yaml").write_text(_SERVICE)
    (folder.parent / "Chart.yaml").write_text("{apiVersion: v2, name: gw, version: 1.0.0}\n")
    return folder.parent


@pytest.fixture
def helm3(cluster: Cluster, chart: Path, tmp_path: Path) -> Release:
    """The chart in the hands of Helm 3."""

    def helm(action: str, namespace: str, values: dict[str, str]) -> str:
        flags = [f"--set-string={name}={value}" for name, value in values.items()]
        with skipped_without_binaries():
            return run(
                *(action, "gw", str(chart), "--namespace", namespace, *flags),
                home=tmp_path,
                kubeconfig=cluster.plane.kubeconfig,
            )

    return Release(cluster, cluster.namespace(), helm)


@pytest.fixture
def helm4(cluster: Cluster, chart: Path, capfd: pytest.CaptureFixture[str]) -> Release:
    """The chart in the hands of Helm 4."""

    def helm(action: str, namespace: str, values: dict[str, str]) -> str:
        capfd.readouterr()
        plane = cluster.plane
        with helm_python.Config(kubeconfig_path=plane.kubeconfig, namespace=namespace) as config:
            getattr(config, action)(chart, "gw", values, namespace=namespace)
        return capfd.readouterr().err

    return Release(cluster, cluster.namespace(), helm)


def counted(cluster: Cluster, reason: str) -> float:
    """Read how many decisions with a reason the service has counted."""
    text = cluster.service.ops("/metrics").data.decode()
    lines = re.findall(
        rf'^source_ip_webhook_admission_total{{.*"{reason}".*}} (.*)$', text, re.MULTILINE
    )
    return sum(map(float, lines))


def test_first_upgrade_with_helm_3_is_told_what_it_takes_away(helm3: Release) -> None:
    """Cluster in the values gets Local at first, Cluster at the upgrade: warned of, counted."""
    before = counted(helm3.cluster, "set-back-to-cluster")
    installed = helm3.apply("install", policy="Cluster")
    first = helm3.policy
    upgraded = helm3.apply("upgrade", policy="Cluster", note="any other value")

    assert "Warning" not in installed
    assert (first, helm3.policy) == ("Local", "Cluster")
    assert LOST in upgraded
    assert helm3.reasons == ["added", "set-back-to-cluster"]
    assert counted(helm3.cluster, "set-back-to-cluster") == before + 1


def test_warning_comes_once(helm3: Release) -> None:
    """What has been set back stays so, and the upgrades after that are not even sent."""
    helm3.apply("install", policy="Cluster")
    helm3.apply("upgrade", policy="Cluster", note="once")

    assert LOST not in helm3.apply("upgrade", policy="Cluster", note="twice")
    assert helm3.policy == "Cluster"
    assert len(helm3.reasons) == 2


@pytest.mark.parametrize("value", ["", "Local"], ids=["left out", "Local"])
def test_values_that_keep_local_from_the_installation_on(helm3: Release, value: str) -> None:
    """Without the value, or with Local in it, upgrades with Helm 3 leave the Service Local."""
    helm3.apply("install", policy=value)
    upgraded = helm3.apply("upgrade", policy=value, note="any other value")

    assert helm3.policy == "Local"
    assert LOST not in upgraded
    assert helm3.reasons == ["already-set" if value else "added"]


@pytest.mark.parametrize("upgrades", [0, 1])
def test_local_in_the_values_helps_at_any_time(helm3: Release, upgrades: int) -> None:
    """Who writes Local before the first upgrade keeps it, and who does so later gets it back."""
    helm3.apply("install", policy="Cluster")
    for number in range(upgrades):
        helm3.apply("upgrade", policy="Cluster", note=f"upgrade {number}")
    upgraded = helm3.apply("upgrade", policy="Local", note="Local now")

    assert helm3.policy == "Local"
    assert LOST not in upgraded


def test_value_that_is_taken_out_later_is_a_step_to_cluster(helm3: Release) -> None:
    """Helm 3 takes the field away, its default is Cluster, and the warning tells what helps."""
    helm3.apply("install", policy="Cluster")
    upgraded = helm3.apply("upgrade", note="without the value")

    assert helm3.policy == "Cluster"
    assert LOST in upgraded


def test_who_means_cluster_is_left_in_peace(helm3: Release) -> None:
    """With the label on the Service nothing is changed, warned of, or sent."""
    told = [
        helm3.apply("install", policy="Cluster", label="disabled"),
        helm3.apply("upgrade", policy="Cluster", label="disabled", note="any other value"),
    ]

    assert helm3.policy == "Cluster"
    assert "Warning" not in "".join(told)
    assert helm3.reasons == []


def test_helm_4_tells_what_a_chart_wrote(helm4: Release) -> None:
    """Server-side apply is evidence: Cluster is kept from the beginning, and said so once."""
    installed = helm4.apply("install", policy="Cluster")
    upgraded = helm4.apply("upgrade", policy="Cluster", note="any other value")

    assert helm4.policy == "Cluster"
    assert KEPT in installed
    assert LOST not in upgraded
    assert helm4.reasons == ["explicit-cluster"]


def test_helm_4_without_the_value_keeps_local(helm4: Release) -> None:
    """A chart that writes no policy is Local after its installation and after every upgrade."""
    helm4.apply("install")
    upgraded = helm4.apply("upgrade", note="any other value")

    assert helm4.policy == "Local"
    assert "Warning" not in json.dumps(upgraded)
    assert helm4.reasons == ["added"]
