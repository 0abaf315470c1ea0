"""The audit in the cluster: what its Job finds is in the metrics of every replica, until mended."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.action.release import NAME, Release, name_of
from tests.chart import helm
from tests.e2e.registration import KEY
from tests.images import names

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
OLD = "old"
"""The namespace that has Pods from before its label."""
OPS_PORT = 8080
NEVER = "0 0 29 2 *"
"""As good as never, so that nothing runs but what the test asks for."""
POD: Json = {
    "metadata": {"name": "app", "annotations": {"sidecar.istio.io/status": "{}"}},
    "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {"name": "app", "image": names.PAUSE},
            {
                "name": "istio-proxy",
                "image": names.PAUSE,
                "env": [{"name": "ISTIO_META_INTERCEPTION_MODE", "value": "REDIRECT"}],
            },
        ],
    },
}
"""A Pod as Istio's injector left it before anybody asked for TPROXY."""
INJECTORS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
FINDINGS = 'source_ip_webhook_audit_findings{reason="created-before-label"}'
ORDERED = "source_ip_webhook_ordered_before_istio"
FIRST, LATER = "0-a", "istio-sidecar-injector"
"""Names before and after that of our configuration."""


def injector(name: str) -> Json:
    """Make a configuration that is Istio's by the name of its entry, and is asked about nothing."""
    entry = {
        "name": "rev.namespace.sidecar-injector.istio.io",
        "clientConfig": {"url": "https://127.0.0.1:1/inject"},
        "namespaceSelector": {"matchLabels": {"nobody": "has-this"}},
        "rules": [
            {
                "operations": ["CREATE"],
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": ["pods"],
            }
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Ignore",
    }
    return {"metadata": {"name": name}, "webhooks": [entry]}


@pytest.fixture(scope="module")
def audited(release: Release) -> Iterator[Release]:
    """The release with audits; a Pod from before the label; Istio's configuration before ours."""
    request = release.cluster.request
    release.cluster.kubectl("create", "namespace", OLD)
    request("POST", f"/api/v1/namespaces/{OLD}/pods", POD)
    made = int(time.time())
    release.wait_for(lambda: time.time() >= made + 1, "another second, as objects tell their age")
    release.cluster.kubectl("label", "namespace", OLD, f"{KEY}=enabled")
    request("POST", INJECTORS, injector(FIRST))
    release.apply(failurePolicy="Ignore", audit={"enabled": True, "schedule": NEVER})
    yield release
    release.uninstall()
    for name in (FIRST, LATER):
        request("DELETE", f"{INJECTORS}/{name}")
    release.cluster.kubectl("delete", "namespace", OLD)


def test_findings_come_and_go(audited: Release) -> None:
    """Both replicas tell what a run has found, and nothing more once it is mended."""
    assert published(audited) is None
    assert metrics(audited) == [(None, None)] * 2
    first = run(audited, "first")
    assert first["findings"] == {"created-before-label": 1}
    assert (first["unknown"], first["ordered_before_istio"]) == (0, False)
    assert (published(audited) or {})["findings"]["created-before-label"] == 1
    audited.wait_for(lambda: metrics(audited) == [(1.0, 0.0)] * 2, "the metrics of both replicas")

    audited.cluster.kubectl("label", "pod", "app", f"{KEY}=disabled", namespace=OLD)
    audited.cluster.request("DELETE", f"{INJECTORS}/{FIRST}")
    audited.cluster.request("POST", INJECTORS, injector(LATER))
    second = run(audited, "second")

    assert (second["findings"], second["unknown"]) == ({}, 0)
    assert second["exit_code"] == 0
    audited.wait_for(lambda: metrics(audited) == [(0.0, 1.0)] * 2, "the metrics of both replicas")


def run(release: Release, name: str) -> Json:
    """Make a Job of the CronJob, wait until it is complete, and return its line of the log."""
    release.kubectl("create", "job", f"--from=cronjob/{NAME}-audit", name)

    def ended() -> Json | None:
        status: Json = release.cluster.get("Job", name, helm.NAMESPACE).get("status", {})
        return status if status.get("succeeded") or status.get("failed") else None

    status = release.wait_for(ended, f"the Job {name}")
    log = release.kubectl("logs", f"job/{name}")
    assert status.get("succeeded") == 1, log
    (line,) = (line for line in log.splitlines() if '"event":"audited"' in line.replace(" ", ""))
    said: Json = json.loads(line)
    return said


def published(release: Release) -> Json | None:
    """Read what the last run has published; None where there was none."""
    found = release.cluster.get("ConfigMap", f"{NAME}-audit", helm.NAMESPACE)
    text = found.get("data", {}).get("report")
    return None if text is None else dict(json.loads(text))


def metrics(release: Release) -> list[tuple[float | None, float | None]]:
    """Read from each replica how many findings there are, and whether the order is right."""
    ops = (
        f"/api/v1/namespaces/{helm.NAMESPACE}/pods/{name_of(pod)}:{OPS_PORT}/proxy/metrics"
        for pod in release.ready_pods()
    )
    texts = (release.cluster.request("GET", path).data.decode() for path in ops)
    samples = [dict(line.rsplit(" ", 1) for line in text.splitlines()) for text in texts]
    return [(_number(each.get(FINDINGS)), _number(each.get(ORDERED))) for each in samples]


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
