"""The commands that mend Pods, as a shell reads them."""

import json
import shlex
from typing import Any

import msgspec
import pytest

from tests.unit.audit.objects import KEY
from webhook.admission.decision import Sees
from webhook.admission.pods import PodReason
from webhook.audit.findings import Action, AuditReason, Owner
from webhook.audit.namespaces import Verdict
from webhook.audit.objects import PodTemplate
from webhook.audit.owners import Direct, Renewal, Workload
from webhook.audit.pod_cures import PodCures

POINTER = "/spec/template"
NAMES = ("a", "b", "c")
LABEL = {KEY: "disabled"}


def cures(
    kind: str = "Deployment",
    renewal: Renewal = Renewal.RESTART,
    *,
    api_version: str = "apps/v1",
    pointer: str = POINTER,
    reason: PodReason | None = None,
    pod_spec: dict[str, Any] | None = None,
    controllers: tuple[Direct, ...] = (Direct("apps/v1", "ReplicaSet", "web-1"),),
    pods: tuple[str, ...] = NAMES,
    helm: str = "",
) -> PodCures:
    """Make the cures of some Pods of an owner that is called web."""
    template = None
    if pod_spec is not None:
        template = msgspec.convert({"spec": pod_spec}, PodTemplate)
    return PodCures(
        workload=Workload(
            Owner(api_version, kind, "web", helm),
            renewal,
            template,
            pointer,
            None if reason is None else Verdict(reason, Sees.SIDECAR),
        ),
        namespace="shop",
        label_key=KEY,
        controllers=controllers,
        pods=pods,
    )


def words(command: str, *first: str) -> list[str]:
    """Read a command as a shell does, and check how it begins."""
    found = shlex.split(command)
    assert found[: len(first)] == list(first)
    return found


def patched(command: str) -> Any:
    """Take the patch out of a command."""
    found = words(command, "kubectl", "patch")
    return json.loads(found[found.index("-p") + 1])


def test_rollout_is_restarted() -> None:
    """What has rollouts is restarted, and --fix may do the same."""
    cure = cures().renew()

    assert cure.command == "kubectl rollout restart deployment/web -n shop"
    assert cure.action is Action.RESTART


def test_paused_rollout_is_resumed() -> None:
    """A paused Deployment refuses to be restarted; whether to resume it a person decides."""
    cure = cures(renewal=Renewal.RESUME).renew()

    assert cure.command == (
        "kubectl rollout resume deployment/web -n shop && "
        "kubectl rollout restart deployment/web -n shop"
    )
    assert cure.action is Action.NONE


def test_jobs_are_deleted() -> None:
    """A Job is not made anew: a CronJob makes the next one."""
    jobs = (Direct("batch/v1", "Job", "web-1"), Direct("batch/v1", "Job", "web-2"))
    cure = cures("CronJob", Renewal.DELETE_JOB, controllers=jobs).renew()

    assert cure.command == "kubectl delete job web-1 web-2 -n shop"
    assert cure.advice == "It ends what the Jobs have begun; the next ones get the setting."


def test_job_that_nobody_makes_again_needs_its_manifest() -> None:
    """A Job of no CronJob is gone once it is deleted."""
    cure = cures("Job", Renewal.DELETE_JOB, api_version="batch/v1").renew()

    assert cure.advice == "It ends what the Job has begun. Then apply its manifest again."


def test_pod_without_owner_is_deleted() -> None:
    """Whoever has its manifest has to apply it again."""
    cure = cures("Pod", Renewal.BY_HAND, api_version="v1", pointer="", pods=("web",)).renew()

    assert cure.command == "kubectl delete pod web -n shop"
    assert "apply its manifest again" in cure.advice


def test_pod_is_made_anew_from_its_own_record() -> None:
    """What kubectl apply keeps on the Pod is its manifest without the sidecar."""
    them = cures("Pod", Renewal.BY_HAND, api_version="v1", pointer="", pods=("web",))

    assert them.recreate_from_record().command == (
        "kubectl apply view-last-applied pod/web -o yaml -n shop | "
        "kubectl replace --force --save-config -f - -n shop"
    )


def test_few_pods_are_deleted_by_name() -> None:
    """An owner without rollouts makes other Pods for those that are deleted."""
    cure = cures("ReplicaSet", Renewal.DELETE_PODS).renew()

    assert cure.command == "kubectl delete pod a b c -n shop"
    assert cure.advice == "ReplicaSet/web makes others in their place."


def test_many_pods_are_deleted_by_their_controllers() -> None:
    """More Pods than a command should name are found by who controls them."""
    controllers = (
        Direct("apps/v1", "ReplicaSet", "web-1"),
        Direct("apps/v1", "ReplicaSet", "web-2"),
    )
    cure = cures(
        "Rollout", Renewal.DELETE_PODS, controllers=controllers, pods=(*NAMES, "d")
    ).renew()
    find, delete = cure.command.split(" | ")

    template = words(find, "kubectl", "get", "pods", "-o")[4]
    assert template == (
        "go-template={{range .items}}{{$name := .metadata.name}}{{range .metadata.ownerReferences}}"
        '{{if or false (and (eq .kind "ReplicaSet") (eq .name "web-1"))'
        ' (and (eq .kind "ReplicaSet") (eq .name "web-2"))}}'
        '{{$name}}{{"\\n"}}{{end}}{{end}}{{end}}'
    )
    assert delete == "xargs kubectl delete pod -n shop"


def test_crashing_pods_run_without() -> None:
    """The opt-out label on the template takes TPROXY away, and the owner rolls it out."""
    cure = cures().do_without(AuditReason.CRASH_LOOPING)

    assert patched(cure.command) == {"spec": {"template": {"metadata": {"labels": LABEL}}}}
    assert cure.action is Action.NONE
    assert "kubectl logs --previous" in cure.advice


@pytest.mark.parametrize(
    ("kind", "renewal", "api_version", "pointer"),
    [
        ("Pod", Renewal.BY_HAND, "v1", ""),
        ("Job", Renewal.DELETE_JOB, "batch/v1", POINTER),
    ],
)
def test_label_of_a_pod_takes_nothing_away(
    kind: str, renewal: Renewal, api_version: str, pointer: str
) -> None:
    """Where only the Pods can be labelled it is said that they stay as they are."""
    cure = cures(kind, renewal, api_version=api_version, pointer=pointer).do_without(
        AuditReason.CRASH_LOOPING
    )

    assert "kubectl label pod" in cure.command
    assert cure.advice.endswith("write it into the manifest as well, and make them anew.")


def test_owner_without_rollouts_needs_its_pods_deleted_too() -> None:
    """A changed template of a ReplicaSet, or of an OnDelete one, changes no Pod by itself."""
    patch, delete = (
        cures(renewal=Renewal.DELETE_PODS)
        .do_without(AuditReason.CRASH_LOOPING)
        .command.split(" && ")
    )

    assert patched(patch) == {"spec": {"template": {"metadata": {"labels": LABEL}}}}
    assert delete == "kubectl delete pod a b c -n shop"


@pytest.mark.parametrize(
    ("kind", "renewal", "goes_on", "warning"),
    [
        (
            "Deployment",
            Renewal.RESUME,
            "kubectl rollout resume deployment/web -n shop",
            "Its rollouts are paused, which may have a reason. ",
        ),
        (
            "StatefulSet",
            Renewal.DELETE_HELD_BACK,
            (
                """kubectl patch statefulset/web -p '{"spec":"""
                """{"updateStrategy":{"rollingUpdate":{"partition":0}}}}' -n shop"""
            ),
            "A partition holds its rollouts back, which may have a reason. ",
        ),
    ],
)
def test_changed_template_reaches_pods_that_are_held_back(
    kind: str, renewal: Renewal, goes_on: str, warning: str
) -> None:
    """Where a rollout is stopped, a changed template changes no Pod until it goes on."""
    them = cures(kind, renewal, reason=PodReason.EXPLICIT_MODE, pod_spec={})
    for cure in (them.undo_choice(), them.do_without(AuditReason.CRASH_LOOPING)):
        patch, after = cure.command.split(" && ")

        assert words(patch, "kubectl", "patch", f"{kind.lower()}/web")
        assert after == goes_on
        assert cure.advice.startswith(warning)


@pytest.mark.parametrize(
    ("reason", "path"),
    [
        (PodReason.EXPLICIT_MODE, "metadata/annotations/sidecar.istio.io~1interceptionMode"),
        (PodReason.INVALID_MODE, "metadata/annotations/sidecar.istio.io~1interceptionMode"),
        (PodReason.INVALID_PROXY_CONFIG, "metadata/annotations/proxy.istio.io~1config"),
    ],
)
def test_choice_is_removed(reason: PodReason, path: str) -> None:
    """The annotation that chooses is taken out of the template."""
    cure = cures(reason=reason, pod_spec={}).undo_choice()

    assert patched(cure.command) == [{"op": "remove", "path": f"/spec/template/{path}"}]
    assert "--type=json" in cure.command
    assert cure.advice.startswith("To keep the choice: kubectl patch deployment/web")


@pytest.mark.parametrize("reason", [PodReason.PROXY_CONFIG_MODE, PodReason.UNREAD_PROXY_CONFIG])
def test_choice_is_overridden(reason: PodReason) -> None:
    """An annotation with other settings in it stays; Istio prefers the one that is added."""
    change = patched(cures(reason=reason, pod_spec={}).undo_choice().command)

    assert change["spec"]["template"]["metadata"] == {
        "annotations": {"sidecar.istio.io/interceptionMode": "TPROXY"}
    }


def test_security_context_is_removed_where_it_stands() -> None:
    """The proxy's own securityContext is found among containers and among init containers."""
    proxy, web = {"name": "istio-proxy"}, {"name": "web"}
    reason = PodReason.PROXY_SECURITY_CONTEXT
    beside = cures(reason=reason, pod_spec={"containers": [web, proxy]}).undo_choice()
    before = cures(
        reason=reason, pod_spec={"containers": [web], "initContainers": [proxy]}
    ).undo_choice()

    assert patched(beside.command)[0]["path"] == "/spec/template/spec/containers/1/securityContext"
    assert (
        patched(before.command)[0]["path"] == "/spec/template/spec/initContainers/0/securityContext"
    )


def test_choice_of_a_cron_job_is_removed_for_the_jobs_to_come() -> None:
    """Its template is deeper inside."""
    pointer = "/spec/jobTemplate/spec/template"
    them = cures(
        "CronJob",
        Renewal.DELETE_JOB,
        api_version="batch/v1",
        pointer=pointer,
        reason=PodReason.EXPLICIT_MODE,
        pod_spec={},
    )

    assert patched(them.undo_choice().command)[0]["path"].startswith(pointer)
    assert patched(them.opt_out()) == {
        "spec": {"jobTemplate": {"spec": {"template": {"metadata": {"labels": LABEL}}}}}
    }


def test_template_of_a_job_cannot_be_changed() -> None:
    """A Job is deleted and its manifest changed; its Pods can be labelled."""
    them = cures(
        "Job",
        Renewal.DELETE_JOB,
        api_version="batch/v1",
        reason=PodReason.EXPLICIT_MODE,
        pod_spec={},
    )

    assert them.undo_choice().command == "kubectl delete job web -n shop"
    assert them.opt_out() == (
        f"kubectl label pods -l job-name=web {KEY}=disabled --overwrite -n shop"
    )


def test_helm_would_write_the_choice_again() -> None:
    """Where a release names the owner, its values have to be changed as well."""
    cure = cures(reason=PodReason.EXPLICIT_MODE, pod_spec={}, helm="shop/web").undo_choice()

    assert cure.advice.startswith("Helm writes it again at its next upgrade")


def test_choice_without_a_template_is_kept() -> None:
    """Where the template cannot be read or changed, the Pods themselves are labelled."""
    few = cures("Rollout", Renewal.DELETE_PODS, pointer="", reason=PodReason.EXPLICIT_MODE)
    many = cures("Rollout", Renewal.DELETE_PODS, pointer="", pods=(*NAMES, "d"))

    label = f"kubectl label pod a b c {KEY}=disabled --overwrite -n shop"
    assert few.undo_choice().command == label
    assert many.opt_out().endswith(
        f" | xargs -I % kubectl label pod -n shop % {KEY}=disabled --overwrite"
    )
    assert few.do_without(AuditReason.CRASH_LOOPING).command == label
