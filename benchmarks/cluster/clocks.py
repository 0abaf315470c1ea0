"""What servers say of their own time: Prometheus histograms, read before and after a turn."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests.cluster import Cluster, mesh

_WEBHOOKS: Final = ("apiserver_admission_webhook_admission_duration_seconds", "name")
"""Time of each call of a webhook: writing the review, waiting for the answer, applying the patch.

Source:
    k8s.io/apiserver pkg/admission/metrics/metrics.go, and mutating/dispatcher.go, which starts the
    clock before it builds the request and stops it when the patched object is there.
"""
_POLICIES: Final = ("apiserver_mutating_admission_policy_check_duration_seconds", "policy")
"""Time of each evaluation of a MutatingAdmissionPolicy.

Source:
    k8s.io/apiserver pkg/admission/plugin/policy/mutating/metrics/metrics.go.
"""
_OURS: Final = ("source_ip_webhook_admission_duration_seconds", "kind")
"""Time from the first byte of a review to its answer, in our own process."""

Json = dict[str, Any]


class Clock(NamedTuple):
    """A histogram without its buckets."""

    seconds: float = 0.0
    """The sum of all that was observed."""
    times: float = 0.0
    """How often."""


Clocks = Mapping[str, Clock]


def read(exposition: str, histogram: str, label: str) -> dict[str, Clock]:
    """Read a histogram, added up over all labels but one.

    Args:
        exposition: Metrics in Prometheus' text format.
        histogram: Its name.
        label: The label to keep.

    Returns:
        By the values of that label.
    """
    # All else is left out first: an API server has several megabytes of metrics.
    ends = (f"{histogram}_sum{{", f"{histogram}_count{{")
    lines = [line for line in exposition.splitlines() if line.startswith(ends)]
    found: dict[str, Clock] = defaultdict(Clock)
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            seconds, times = found[sample.labels[label]]
            if sample.name.endswith("_sum"):
                seconds += sample.value
            else:
                times += sample.value
            found[sample.labels[label]] = Clock(seconds, times)
    return dict(found)


def means(before: Clocks, after: Clocks) -> dict[str, float]:
    """Return the seconds that each time took on average, of what happened between two readings."""
    found = {}
    for name, now in after.items():
        then = before.get(name, Clock())
        if times := now.times - then.times:
            found[name] = (now.seconds - then.seconds) / times
    return found


def of_api_server(cluster: Cluster) -> dict[str, Clock]:
    """Read what the API server says: calls of webhooks and evaluations of policies, by name."""
    exposition = _metrics(cluster, "/metrics")
    return {**read(exposition, *_WEBHOOKS), **read(exposition, *_POLICIES)}


def of_ours(cluster: Cluster) -> Clock:
    """Read what the replicas of our webhook say of reviews of Pods, added up."""
    pods = cluster.api.items("Pod", mesh.NAMESPACE)
    paths = (
        f"/api/v1/namespaces/{mesh.NAMESPACE}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
        for pod in pods
    )
    clocks = [read(_metrics(cluster, path), *_OURS).get("Pod", Clock()) for path in paths]
    return Clock(sum(clock.seconds for clock in clocks), sum(clock.times for clock in clocks))


def _metrics(cluster: Cluster, path: str) -> str:
    return cluster.request("GET", path, accept="text/plain").data.decode()
