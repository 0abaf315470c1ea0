"""The audit in the cluster, as the chart renders it."""

import pytest

from tests.chart.helm import AUDIT, NAMESPACE, PART, Json, render
from tests.chart.value_sets import AUDITED, rendered, values

ON: Json = {"audit": {"enabled": True}}
NAME = "x-source-ip-webhook"


def job(**audit: object) -> Json:
    """Render the Job that the CronJob makes."""
    cron_job = render({"audit": {"enabled": True, **audit}}).one("CronJob", AUDIT)
    spec: Json = cron_job["spec"]["jobTemplate"]["spec"]
    return spec


def test_off_by_default() -> None:
    """Without being asked for, nothing runs, nothing is published, and nobody gets a right."""
    shown = render()

    assert {thing["kind"] for thing in _audit(shown.objects)} == {"ClusterRole"}
    assert not [flag for flag in shown.container["args"] if "audit" in flag]
    assert len(shown.all("ClusterRoleBinding")) == 1
    assert "audit" not in shown.notes


def test_findings_are_never_tried_again() -> None:
    """A run has one Pod and one attempt, two do not overlap, and none hangs for ever."""
    cron_job = render(ON).one("CronJob", AUDIT)["spec"]
    spec = cron_job["jobTemplate"]["spec"]

    assert cron_job["concurrencyPolicy"] == "Forbid"
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 600)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert cron_job["schedule"] == "17 * * * *"


@pytest.mark.parametrize("fails", [True, False])
def test_findings_fail_the_job_where_that_is_asked_for(*, fails: bool) -> None:
    """Otherwise a Job that has a report is complete, whatever the report says."""
    (container,) = job(findingsFailJob=fails)["template"]["spec"]["containers"]

    assert ("--exit-zero" in container["args"]) is not fails


@pytest.mark.parametrize("name", AUDITED)
def test_parts_name_each_other(name: str) -> None:
    """What the audit publishes is what the webhook reads, and each may do no more than that."""
    shown = rendered(name)
    published = shown.one("ConfigMap", AUDIT)
    where = f"{NAMESPACE}/{NAME}-audit"
    (container,) = shown.audit_pod["spec"]["containers"]

    assert "data" not in published
    assert f"{NAMESPACE}/{published['metadata']['name']}" == where
    assert f"--publish={where}" in container["args"]
    assert f"--audit-report={where}" in shown.container["args"]
    assert shown.audit_pod["spec"]["serviceAccountName"] == f"{NAME}-audit"
    assert shown.one("ServiceAccount", AUDIT)["metadata"]["name"] == f"{NAME}-audit"
    may = {}
    for binding in shown.all("RoleBinding", AUDIT):
        (subject,) = binding["subjects"]
        (role,) = (
            each
            for each in shown.all("Role", AUDIT)
            if each["metadata"]["name"] == binding["roleRef"]["name"]
        )
        may[subject["name"]] = role["rules"]
    rule = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [f"{NAME}-audit"]}
    assert may == {
        f"{NAME}-audit": [{**rule, "verbs": ["patch"]}],
        NAME: [{**rule, "verbs": ["get"]}],
    }


def test_audit_reads_and_changes_nothing() -> None:
    """Its ServiceAccount has the ClusterRole whose verbs are get and list, and no other."""
    shown = render(ON)
    (binding,) = shown.all("ClusterRoleBinding", AUDIT)
    reads, doctor, actions = shown.all("ClusterRole", AUDIT)

    assert binding["roleRef"]["name"] == reads["metadata"]["name"] == f"{NAMESPACE}:{NAME}:audit"
    assert [subject["name"] for subject in binding["subjects"]] == [f"{NAME}-audit"]
    for role in (reads, doctor):
        assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list"}
        assert "secrets" not in str(role)
    assert doctor["metadata"]["name"] == f"{NAMESPACE}:{NAME}:doctor"
    assert actions["metadata"]["name"] == f"{NAMESPACE}:{NAME}:actions"


@pytest.mark.parametrize(
    ("audit", "roles"),
    [
        ({}, ["audit", "doctor", "actions"]),
        ({"clusterRoles": False}, []),
        ({"clusterRoles": False, "enabled": True}, ["audit"]),
    ],
)
def test_cluster_roles_can_be_left_out(audit: Json, roles: list[str]) -> None:
    """Who may not make them can install without; the audit's own goes with the audit."""
    found = render({"audit": audit}).all("ClusterRole", AUDIT)

    assert [role["metadata"]["name"].rpartition(":")[2] for role in found] == roles


def test_policies_can_be_audited_too() -> None:
    """Without replicas the audit runs and publishes all the same, and nobody is let read that."""
    shown = render({**ON, "backend": "policy"})

    assert shown.one("CronJob", AUDIT)
    assert [role["rules"][0]["verbs"] for role in shown.all("Role", AUDIT)] == [["patch"]]
    assert "only the audit runs" in shown.notes


def test_audit_decides_as_the_webhook_does() -> None:
    """Every flag that changes a decision is the same in both command lines."""
    shown = render({**values("every-flag"), **ON})
    (container,) = shown.audit_pod["spec"]["containers"]
    own = {"audit", "--output=json", "--exit-zero", f"--publish={NAMESPACE}/{NAME}-audit"}

    assert set(container["args"]) - own <= set(shown.container["args"])
    assert "--label-key=example.org/source-ip" in container["args"]
    assert "--ignore-sidecars" in container["args"]


def test_audit_is_not_critical() -> None:
    """It is put where the webhook may be, and gives way to whatever needs the node."""
    placed = {"nodeSelector": {"pool": "system"}, "tolerations": [{"operator": "Exists"}]}
    spec = render({**ON, **placed}).audit_pod["spec"]

    assert "priorityClassName" not in spec
    assert job(priorityClassName="batch")["template"]["spec"]["priorityClassName"] == "batch"
    assert spec["nodeSelector"]["pool"] == "system"
    assert spec["tolerations"] == placed["tolerations"]
    assert spec["enableServiceLinks"] is False


def test_nobody_reaches_the_audit() -> None:
    """Its NetworkPolicy lets nobody in, and lets it out to where the webhook may go."""
    shown = rendered("audit")
    policy, webhook = shown.one("NetworkPolicy", AUDIT), shown.one("NetworkPolicy")
    selector = policy["spec"]["podSelector"]["matchLabels"]

    assert selector.items() <= shown.audit_pod["metadata"]["labels"].items()
    assert not selector.items() <= shown.pod["metadata"]["labels"].items()
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy["spec"]
    assert policy["spec"]["egress"] == webhook["spec"]["egress"]
    on_nodes = render({**values("host-network"), **ON})
    assert on_nodes.one("NetworkPolicy", AUDIT)["spec"]["policyTypes"] == ["Ingress"]


@pytest.mark.parametrize("release", ["x", "r" * 53, "r" * 45 + "-r"])
def test_jobs_can_be_named(release: str) -> None:
    """A CronJob's name has at most 52 characters, however long the release's is."""
    shown = render(ON, name=release)
    name = shown.one("CronJob", AUDIT)["metadata"]["name"]

    assert f"--from=cronjob/{name} audit-once" in shown.notes
    assert len(name) <= 52
    assert name.endswith("-audit")
    assert not name.endswith("--audit")
    assert len(shown.one("ConfigMap", AUDIT)["metadata"]["name"]) <= 63


def _audit(objects: list[Json]) -> list[Json]:
    """Return what belongs to the audit."""
    return [thing for thing in objects if thing["metadata"]["labels"][PART] == AUDIT]
