"""Many Pods become one finding of whom to act on; what a new Pod would get decides how."""

from typing import Any

import pytest

from tests.unit.audit.auditing import audit, cluster, only, said, shown
from tests.unit.audit.objects import (
    BEFORE,
    KEY,
    Object,
    controlled,
    namespace,
    pod,
    proxy,
    tproxy,
    workload,
)
from tests.unit.audit.played import Played
from webhook.admission.options import Options
from webhook.audit.findings import Action, Level
from webhook.audit.walk import Selection, run
from webhook.cluster import Forbidden

MODE = "sidecar.istio.io/interceptionMode"
CONFIG = "proxy.istio.io/config"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
OF_SET = controlled("ReplicaSet", "sleep-7d4")
SET = workload("ReplicaSet", "sleep-7d4", owners=controlled("Deployment", "sleep"))
CRASHING = {
    "phase": "Running",
    "containerStatuses": [
        {"name": "sleep", "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    ],
}


def of_deployment(*pods: Object, **template: Any) -> tuple[Object, ...]:
    """Put Pods of the Deployment sleep into a cluster, with what made them."""
    return (*pods, SET, workload(**template))


def test_five_hundred_pods_are_one_line() -> None:
    """All Pods of a Deployment, old and new ReplicaSets alike, are one finding of it."""
    old = controlled("ReplicaSet", "sleep-1a2")
    report = audit(
        *(pod(f"sleep-7d4-{n:03}", owners=OF_SET) for n in range(400)),
        *(pod(f"sleep-1a2-{n:03}", owners=old) for n in range(100)),
        SET,
        workload("ReplicaSet", "sleep-1a2", owners=controlled("Deployment", "sleep")),
        workload("ReplicaSet", "other-1", owners=controlled("Deployment", "other")),
        workload(helm="shop/sleep"),
        workload(name="other"),
    )

    finding = only(report)
    assert (finding.owner.title, finding.count) == ("Deployment/sleep", 500)
    assert finding.owner.helm_release == "shop/sleep"
    assert finding.objects == ("Pod/sleep-7d4-000", "Pod/sleep-7d4-001", "Pod/sleep-7d4-002")
    assert finding.cure.command == "kubectl rollout restart deployment/sleep -n shop"
    assert finding.cure.action is Action.RESTART
    assert (report.pods, report.exit_code) == (500, 1)


def test_reasons_of_one_owner_are_lines_of_their_own() -> None:
    """An owner with old Pods and with missed ones has a finding for each."""
    report = audit(*of_deployment(pod("a", owners=OF_SET), pod("b", owners=OF_SET, created=BEFORE)))

    assert said(report) == [
        ("Deployment/sleep", "created-before-label"),
        ("Deployment/sleep", "missed"),
    ]


@pytest.mark.parametrize(
    ("kind", "spec", "command"),
    [
        ("StatefulSet", {}, "kubectl rollout restart statefulset/sleep -n shop"),
        ("DaemonSet", {}, "kubectl rollout restart daemonset/sleep -n shop"),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, "kubectl delete pod a -n shop"),
        (
            "StatefulSet",
            {"updateStrategy": {"rollingUpdate": {"partition": 1}}},
            "kubectl delete pod a -n shop",
        ),
        (
            "StatefulSet",
            {"updateStrategy": {"rollingUpdate": {"partition": 0}}},
            "kubectl rollout restart statefulset/sleep -n shop",
        ),
        (
            "StatefulSet",
            {"updateStrategy": {}},
            "kubectl rollout restart statefulset/sleep -n shop",
        ),
        ("ReplicaSet", {}, "kubectl delete pod a -n shop"),
    ],
)
def test_owner_decides_how_pods_are_made_anew(
    kind: str, spec: dict[str, Any], command: str
) -> None:
    """Rollouts where there are some, and else by deleting Pods."""
    owner = workload(kind, **spec)
    finding = only(audit(pod("a", owners=controlled(kind, "sleep")), owner))

    assert (finding.owner.kind, finding.cure.command) == (kind, command)


def test_paused_deployment_is_resumed() -> None:
    """A Deployment whose rollouts are paused cannot be restarted."""
    finding = only(audit(*of_deployment(pod(owners=OF_SET), paused=True)))

    assert finding.cure.command.startswith("kubectl rollout resume deployment/sleep")


def test_replication_controller_and_jobs() -> None:
    """Older kinds and Jobs are owners too; a Job of a CronJob belongs to that."""
    report = audit(
        pod("a", owners=controlled("ReplicationController", "old", "v1")),
        workload("ReplicationController", "old"),
        pod("b", owners=controlled("Job", "once", "batch/v1")),
        workload("Job", "once"),
        pod("c", owners=controlled("Job", "nightly-1", "batch/v1")),
        workload("Job", "nightly-1", owners=controlled("CronJob", "nightly", "batch/v1")),
        workload("CronJob", "nightly"),
    )

    assert {each.owner.title: each.cure.command for each in report.findings} == {
        "ReplicationController/old": "kubectl delete pod a -n shop",
        "Job/once": "kubectl delete job once -n shop",
        "CronJob/nightly": "kubectl delete job nightly-1 -n shop",
    }


def test_owner_of_another_kind_is_named_as_it_is() -> None:
    """What is unknown here is named with its Pods, whether it is above a ReplicaSet or not."""
    rollout = controlled("Rollout", "canary", "argoproj.io/v1alpha1")
    machine = controlled("Machine", "m", "example.com/v1")
    report = audit(
        pod("a", owners=controlled("ReplicaSet", "canary-1")),
        workload("ReplicaSet", "canary-1", owners=rollout),
        pod("b", owners=machine),
    )

    assert said(report) == [("Machine/m", "missed"), ("Rollout/canary", "missed")]
    assert report.findings[1].cure.command == "kubectl delete pod a -n shop"
    assert report.findings[1].owner.api_version == "argoproj.io/v1alpha1"


def test_pod_without_owner_is_its_own() -> None:
    """Nothing makes it anew, unless kubectl apply has left its manifest on it."""
    recorded = pod("b", annotations={LAST_APPLIED: "{}"})
    report = audit(pod("a", owners=[{"apiVersion": "v1", "kind": "X", "name": "x"}]), recorded)

    assert [each.cure.command.split(" | ")[0] for each in report.findings] == [
        "kubectl delete pod a -n shop",
        "kubectl apply view-last-applied pod/b -o yaml -n shop",
    ]


def test_new_pod_decides() -> None:
    """What the rules would leave alone, and what sees its clients then, is not reported."""
    quiet: list[Object] = [
        {"pod_spec": {"hostNetwork": True}},
        {"labels": {KEY: "disabled"}},
        {"labels": {"sidecar.istio.io/inject": "false"}},
        {"annotations": {MODE: "NONE"}},
        {"annotations": {"traffic.sidecar.istio.io/includeInboundPorts": ""}},
    ]
    for template in quiet:
        report = audit(*of_deployment(pod(owners=OF_SET), **template))
        assert (said(report), report.exit_code) == ([], 0), template


def test_rule_that_holds_back_is_a_note() -> None:
    """What a rule leaves alone although clients are hidden is told, and is nobody's task."""
    machine = {"labels": {"kubevirt.io": "virt-launcher"}}
    report = audit(*of_deployment(pod(owners=OF_SET), **machine))

    note = only(report)
    assert (note.reason, note.level, note.cure.command) == ("kubevirt", Level.NOTE, "")
    assert report.exit_code == 0


def test_level_of_pod_security_is_evidence() -> None:
    """The namespace's label by which a rule decides is shown."""
    strict = namespace(**{"pod-security.kubernetes.io/enforce": "baseline"})
    played = Played(strict, *of_deployment(pod(owners=OF_SET)))

    note = only(run(played, Options(), Selection()))
    assert note.reason == "pod-security"
    label = "Namespace/shop label pod-security.kubernetes.io/enforce"
    assert shown(note)[label] == "baseline"


def test_choice_of_a_person_is_a_finding() -> None:
    """A template with another mode is shown with its field, however old its Pods are."""
    report = audit(
        *of_deployment(
            pod("a", owners=OF_SET),
            pod("b", owners=OF_SET, created=BEFORE),
            annotations={MODE: "REDIRECT"},
        )
    )

    finding = only(report)
    assert (finding.reason, finding.level, finding.count) == ("explicit-mode", Level.FINDING, 2)
    field = (
        r"Deployment/sleep .spec.template.metadata.annotations.sidecar\.istio\.io/interceptionMode"
    )
    assert shown(finding)[field] == "REDIRECT"
    assert ".metadata.creationTimestamp" not in shown(finding)
    assert "--type=json" in finding.cure.command


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("interceptionMode: REDIRECT", "proxy-config-mode"),
        ("interceptionMode: nothing", "invalid-proxy-config"),
        ("interceptionMode: 0x1", "unread-proxy-config"),
    ],
)
def test_choice_in_the_proxys_configuration(config: str, reason: str) -> None:
    """Also what Istio would refuse for a new Pod: the old ones are there, and see no clients."""
    finding = only(audit(*of_deployment(pod(owners=OF_SET), annotations={CONFIG: config})))

    assert (finding.reason, finding.level) == (reason, Level.FINDING)
    assert config in shown(finding).values()


def test_proxy_of_the_templates_own() -> None:
    """A securityContext with which TPROXY would break is the template's author's choice."""
    own = {"name": "istio-proxy", "securityContext": {"runAsUser": 1234}}
    finding = only(audit(*of_deployment(pod(owners=OF_SET), containers=[{"name": "sleep"}, own])))

    assert finding.reason == "proxy-security-context"
    assert "containers/1/securityContext" in finding.cure.command
    assert any("istio-proxy" in field and "template" in field for field in shown(finding))


def test_choice_of_a_pod_without_template() -> None:
    """A choice that only the Pod itself shows has no template to be shown in."""
    config = pod(annotations={CONFIG: "interceptionMode: REDIRECT"})

    assert only(audit(config)).reason == "proxy-config-mode"


def test_crash_loop_is_ended_without_tproxy() -> None:
    """A Deployment that would get TPROXY again is opted out; one that would not is restarted."""
    crashing = tproxy(owners=OF_SET, status=CRASHING)
    again = only(audit(*of_deployment(crashing)))
    not_again = only(audit(*of_deployment(crashing, labels={KEY: "disabled"})))

    assert (again.reason, not_again.reason) == ("crash-looping", "crash-looping")
    assert f'"{KEY}":"disabled"' in again.cure.command
    assert not_again.cure.command == "kubectl rollout restart deployment/sleep -n shop"


def test_proxy_without_rights() -> None:
    """What takes the rights away would do so again; a template's own proxy is mended."""
    weak = tproxy(owners=OF_SET, containers=[proxy("TPROXY", runAsUser=1337)])
    own = {"name": "istio-proxy", "securityContext": {"runAsNonRoot": True}}
    by_accident = only(audit(*of_deployment(weak)))
    on_purpose = only(audit(*of_deployment(weak, containers=[own])))

    assert by_accident.reason == "proxy-not-privileged"
    assert f'"{KEY}":"disabled"' in by_accident.cure.command
    assert "another webhook" in by_accident.cure.advice
    assert on_purpose.reason == "proxy-security-context"


def test_no_sidecar_counts_where_a_new_pod_has_one() -> None:
    """What is never injected sees its clients, whatever the namespace's label says."""
    injected = namespace(**{"istio-injection": "enabled"})
    bare = pod(mode=None, owners=OF_SET)
    strict = namespace(
        **{"istio-injection": "enabled", "pod-security.kubernetes.io/enforce": "restricted"}
    )

    def told(where: Object, **template: Any) -> list[tuple[str, str]]:
        played = Played(where, *of_deployment(bare, **template))
        return said(run(played, Options(), Selection()))

    assert told(injected) == [("Deployment/sleep", "no-sidecar")]
    assert told(injected, labels={"sidecar.istio.io/inject": "false"}) == []
    assert told(strict) == []


def test_owner_that_cannot_be_read() -> None:
    """Without the right to read Deployments the Pod itself is judged, and the right is named."""
    played = cluster(*of_deployment(pod(owners=OF_SET)))
    path = "/apis/apps/v1/namespaces/shop/deployments"
    played.fail(path, Forbidden("HTTP 403"))

    report = run(played, Options(), Selection())
    assert said(report) == [("Deployment/sleep", "missed")]
    assert only(report).cure.command == "kubectl rollout restart deployment/sleep -n shop"
    (unknown,) = report.unknown
    assert unknown.what == "deployments in namespace shop"
    assert unknown.why.startswith("the right to list deployments in namespace shop is missing: ")


def test_template_that_is_not_there() -> None:
    """An owner without a template is judged by its Pods."""
    empty = workload()
    del empty["spec"]["template"]

    assert said(audit(pod(owners=OF_SET), SET, empty)) == [("Deployment/sleep", "missed")]


def test_owners_are_read_only_where_something_is_wrong() -> None:
    """A namespace in which all is well costs no more than its Pods."""
    played = cluster(*of_deployment(tproxy(owners=OF_SET)))

    assert said(run(played, Options(), Selection())) == []
    assert not any("/apis/apps/" in path for path in played.asked)
