"""Pods: rollouts, labels that come and go, opting out, dry runs."""

import json
from http import HTTPStatus

import pytest

from tests.e2e.conftest import DEADLINE, Cluster, bare_pod, pods_of
from tests.e2e.objects import MODE, guide, mode
from tests.e2e.registration import KEY

pytestmark = pytest.mark.e2e


ROLLOUT = ("rollout", "restart", "deployment/sleep")
DELETION = ("delete", "pod", "--selector", "app=sleep", "--wait=false")
ROUNDS = 20
"""New labels that are looked at."""
UNREACHABLE = 'namespace_lookups_total{result="unreachable"}'
"""Lookups after which nobody could tell the labels of a namespace."""


def renew(cluster: Cluster, namespace: str, *command: str, app: str = "sleep") -> str | None:
    """Do what makes a workload create a Pod, and read the mode of the Pod that is new."""
    old = {pod["metadata"]["uid"] for pod in cluster.pods(namespace, app)}
    cluster.kubectl(*command, namespace=namespace)
    new = cluster.plane.wait_for(
        lambda: [pod for pod in cluster.pods(namespace, app) if pod["metadata"]["uid"] not in old],
        DEADLINE,
        f"a new Pod of {app}",
    )
    return mode(new[0])


def test_rollout_makes_new_pods_with_the_setting(cluster: Cluster) -> None:
    """Every Pod of every rollout gets the annotation, not only the first."""
    namespace = cluster.namespace()
    cluster.kubectl(
        "apply", "-f", "-", namespace=namespace, manifest=guide("sleep.yaml", namespace)
    )

    assert mode(cluster.pod_of(namespace, "sleep")) == "TPROXY"
    assert renew(cluster, namespace, *ROLLOUT) == "TPROXY"


def test_label_can_come_and_go(cluster: Cluster) -> None:
    """A label on an existing namespace counts from the next Pod on, and so does its removal."""
    namespace = cluster.namespace(None)
    cluster.kubectl(
        "apply", "-f", "-", namespace=namespace, manifest=guide("sleep.yaml", namespace)
    )
    before = mode(cluster.pod_of(namespace, "sleep"))
    cluster.kubectl("label", "namespace", namespace, f"{KEY}=enabled", namespace=namespace)
    # The API server's own view of the label may lag behind by milliseconds: see what it matches.
    follow_label(cluster, namespace, "TPROXY")
    labelled = renew(cluster, namespace, *DELETION)
    cluster.kubectl("label", "namespace", namespace, f"{KEY}-", namespace=namespace)
    follow_label(cluster, namespace, None)
    unlabelled = renew(cluster, namespace, *DELETION)

    assert (before, labelled, unlabelled) == (None, "TPROXY", None)


def follow_label(cluster: Cluster, namespace: str, expected: str | None) -> None:
    """Wait until a dry run shows that the API server has seen a change of the label."""
    path = f"{pods_of(namespace)}?dryRun=All"
    cluster.plane.wait_for(
        lambda: mode(cluster.plane.api.json("POST", path, bare_pod("p", namespace))) == expected,
        DEADLINE,
        f"the label of {namespace} to count",
    )


def test_new_label_counts_at_once(cluster: Cluster) -> None:
    """A label that the API server has just seen is never news to us: every Pod gets its setting."""
    told = 0
    for _ in range(3 * ROUNDS):
        unreachable = cluster.service.metric(UNREACHABLE)
        namespace = cluster.namespace(None)
        answer = cluster.plane.request(
            "PATCH",
            f"/api/v1/namespaces/{namespace}",
            {"metadata": {"labels": {KEY: "enabled"}}},
            content_type="application/merge-patch+json",
        )
        assert answer.status == HTTPStatus.OK
        follow_label(cluster, namespace, "TPROXY")
        reasons = {event["reason"] for event in cluster.service.decisions(namespace)}

        # A lookup has half a second: where a busy machine takes longer, nobody tells us.
        if cluster.service.metric(UNREACHABLE) == unreachable:
            assert reasons == {"added"}
            told += 1
        if told == ROUNDS:
            break

    assert told == ROUNDS


def test_pod_can_opt_out(cluster: Cluster) -> None:
    """A Pod whose label says disabled is created as written, and we are not even asked."""
    namespace = cluster.namespace()
    pod = bare_pod("p", namespace)
    pod["metadata"]["labels"] = {KEY: "disabled"}

    assert mode(cluster.plane.api.json("POST", pods_of(namespace), pod)) is None
    assert cluster.service.decisions(namespace) == []


def test_other_annotations_stay(cluster: Cluster) -> None:
    """A Pod's own annotations are all there beside ours."""
    namespace = cluster.namespace()
    pod = bare_pod("p", namespace)
    pod["metadata"]["annotations"] = {"example.org/team": "x"}
    stored = cluster.plane.api.json("POST", pods_of(namespace), pod)

    assert stored["metadata"]["annotations"] == {"example.org/team": "x", MODE: "TPROXY"}


def test_chosen_mode_stays_and_kubectl_says_so(cluster: Cluster) -> None:
    """REDIRECT that a developer wrote is kept, and the developer is warned."""
    namespace = cluster.namespace()
    pod = bare_pod("p", namespace)
    pod["metadata"]["annotations"] = {MODE: "REDIRECT"}
    _, warnings = cluster.kubectl("apply", "-f", "-", namespace=namespace, manifest=json.dumps(pod))

    assert mode(cluster.plane.get("Pod", "p", namespace)) == "REDIRECT"
    assert f"Warning: {MODE} is REDIRECT: this pod will see 127.0.0.6" in warnings


def test_dry_run_shows_the_setting_and_stores_nothing(cluster: Cluster) -> None:
    """A server-side dry run comes back mutated, is logged as one, and leaves nothing."""
    namespace = cluster.namespace()
    shown, _ = cluster.kubectl(
        *("create", "--dry-run=server", "-o", "json", "-f", "-"),
        namespace=namespace,
        manifest=json.dumps(bare_pod("p", namespace)),
    )

    assert mode(json.loads(shown)) == "TPROXY"
    assert cluster.plane.api.items("Pod", namespace) == []
    assert [event["dry_run"] for event in cluster.service.decisions(namespace)] == [True]


def test_audit_log_tells_outcome_and_reason(cluster: Cluster) -> None:
    """The API server's audit log has our outcome and reason under our webhook's name."""
    namespace = cluster.namespace()
    cluster.kubectl(
        "apply", "-f", "-", namespace=namespace, manifest=guide("sleep.yaml", namespace)
    )
    cluster.pod_of(namespace, "sleep")
    annotations = cluster.audit_annotations(namespace, "pods")

    assert annotations["pods.source-ip-webhook.io/outcome"] == "patched"
    assert annotations["pods.source-ip-webhook.io/reason"] == "added"


def test_log_has_one_line_for_a_decision(cluster: Cluster) -> None:
    """Our log names the Pod by what its ReplicaSet calls it, with outcome, reason and duration."""
    namespace = cluster.namespace()
    cluster.kubectl(
        "apply", "-f", "-", namespace=namespace, manifest=guide("sleep.yaml", namespace)
    )
    cluster.pod_of(namespace, "sleep")
    (decision,) = cluster.service.decisions(namespace)

    assert decision["name"].startswith("sleep-")
    assert (decision["outcome"], decision["reason"]) == ("patched", "added")
    assert decision["milliseconds"] > 0
