"""What mends a finding: the exact command, and what a person should know before it.

Every command is for a POSIX shell, and does no more than it says. Whether ``--fix`` may do the
same by itself is :class:`webhook.audit.findings.Action`'s to say: it never undoes what a person
has chosen.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from webhook.admission.authorship import CLUSTER
from webhook.admission.decision import Reason
from webhook.admission.pods import PodReason
from webhook.admission.services import LOCAL
from webhook.audit.findings import Action, Cure
from webhook.audit.interception import PROXY
from webhook.audit.objects import PodTemplate
from webhook.audit.owners import Direct, Renewal, Workload
from webhook.labels import INTERCEPTION_MODE, PROXY_CONFIG, Half, Labels, Mode, mode_of

NOTHING: Final = Cure("")
"""Of a note: there is nothing to mend."""
_NAMED: Final = 3
"""Pods that a command names one by one."""
_REMOVED: Final[dict[Reason, str]] = {
    PodReason.EXPLICIT_MODE: INTERCEPTION_MODE,
    PodReason.INVALID_MODE: INTERCEPTION_MODE,
    PodReason.INVALID_PROXY_CONFIG: PROXY_CONFIG,
}
"""Annotations that are taken away, where they are the choice."""
_OVERRIDDEN: Final[set[Reason]] = {PodReason.PROXY_CONFIG_MODE, PodReason.UNREAD_PROXY_CONFIG}
"""Choices in an annotation that has other things in it as well, and loses to another one."""


def renew(
    workload: Workload, namespace: str, controllers: Sequence[Direct], pods: Sequence[str]
) -> Cure:
    """Make Pods anew, which is when the webhook acts.

    Args:
        workload: Whose Pods.
        namespace: Where it is.
        controllers: What the Pods name as their controllers.
        pods: Names of all of the Pods, or of more than a command should name.

    Source:
        Kubernetes, kubectl reference, rollout restart.
    """
    target = _target(workload)
    restart = kubectl("rollout", "restart", target, "-n", namespace)
    if workload.renewal is Renewal.RESTART:
        return Cure(restart, Action.RESTART)
    if workload.renewal is Renewal.RESUME:
        resume = kubectl("rollout", "resume", target, "-n", namespace)
        advice = "Its rollouts are paused, which may have a reason."
        return Cure(f"{resume} && {restart}", advice=advice)
    if workload.renewal is Renewal.DELETE_JOB:
        jobs = [each.name for each in controllers]
        advice = "It ends the work that the Job has begun; new Jobs get the setting by themselves."
        return Cure(kubectl("delete", "job", *jobs, "-n", namespace), advice=advice)
    if workload.renewal is Renewal.BY_HAND:
        advice = "Then apply its manifest again: nothing else makes this Pod anew."
        return Cure(kubectl("delete", "pod", *pods[:1], "-n", namespace), advice=advice)
    advice = f"{workload.owner.title} makes others in their place, which get the setting."
    if len(pods) <= _NAMED:
        return Cure(kubectl("delete", "pod", *pods, "-n", namespace), advice=advice)
    names = kubectl(
        "get", "pods", "-n", namespace, "-o", f"go-template={_names_of_pods(controllers)}"
    )
    delete = kubectl("delete", "pod", "-n", namespace)
    return Cure(f"{names} | xargs {delete}", advice=advice)


def recreate_from_record(pod: str, namespace: str) -> Cure:
    """Make a Pod anew that has no owner, from the manifest that ``kubectl apply`` keeps on it.

    Args:
        pod: Its name.
        namespace: Where it is.
    """
    view = kubectl("apply", "view-last-applied", f"pod/{pod}", "-n", namespace)
    advice = "It deletes the Pod, and creates it as its last manifest says."
    return Cure(f"{view} | kubectl replace --force --save-config -f -", advice=advice)


def opt_out(workload: Workload, namespace: str, label_key: str) -> str:
    """Make the command that leaves a workload's Pods alone from now on.

    Args:
        workload: Whose Pods.
        namespace: Where it is.
        label_key: Key of the opt-out label.
    """
    labels = {label_key: Mode.DISABLED.value}
    if not workload.pointer:
        return kubectl("label", _target(workload), "-n", namespace, f"{label_key}={Mode.DISABLED}")
    return _patch(workload, namespace, {"metadata": {"labels": labels}})


def stop_crashing(workload: Workload, namespace: str, label_key: str) -> Cure:
    """Take TPROXY away from Pods that do not run with it.

    Args:
        workload: Whose Pods.
        namespace: Where it is.
        label_key: Key of the opt-out label.
    """
    advice = (
        "Look at kubectl logs --previous first: the reason may be another one. With the label the "
        "Pods run without the setting."
    )
    return Cure(opt_out(workload, namespace, label_key), advice=advice)


def undo_choice(workload: Workload, namespace: str, label_key: str) -> Cure:
    """Take away a person's choice of another mode.

    Args:
        workload: Whose template has it.
        namespace: Where it is.
        label_key: Key of the opt-out label, by which the choice is kept instead.
    """
    keep = opt_out(workload, namespace, label_key)
    if workload.template is None or workload.verdict is None:
        advice = "This leaves it as it is. Else take the choice out of its manifest, and apply it."
        return Cure(keep, advice=advice)
    reason = workload.verdict.reason
    advice = f"To keep the choice: {keep}"
    if workload.owner.helm_release:
        release = workload.owner.helm_release
        advice = f"Helm release {release} sets it again: change its values too. {advice}"
    if reason in _OVERRIDDEN:
        change = {"metadata": {"annotations": {INTERCEPTION_MODE: "TPROXY"}}}
        return Cure(_patch(workload, namespace, change), advice=advice)
    if annotation := _REMOVED.get(reason):
        path = f"{workload.pointer}/metadata/annotations/{_escaped(annotation)}"
    else:
        path = f"{workload.pointer}/spec/{_proxy_place(workload.template)}/securityContext"
    return Cure(
        kubectl(
            "patch",
            _target(workload),
            "-n",
            namespace,
            "--type=json",
            "-p",
            _json([{"op": "remove", "path": path}]),
        ),
        advice=advice,
    )


def set_policy(
    service: str, namespace: str, policy: str, *, helm_release: str = "", advice: str = ""
) -> Cure:
    """Set the policy of a Service.

    Args:
        service: Its name.
        namespace: Where it is.
        policy: ``Local`` or ``Cluster``.
        helm_release: ``namespace/name`` of the release that it belongs to; empty for none.
        advice: What else to know; empty for nothing.
    """
    command = _set_policy(service, namespace, policy)
    if helm_release:
        where, _, name = helm_release.partition("/")
        value = f"{_HELM_VALUE}={policy}"
        upgrade = shlex.join(
            ["helm", "upgrade", name, "CHART", "-n", where, "--reuse-values", "--set", value]
        )
        advice = (
            "The next upgrade of its Helm release may set it back; with Istio's gateway chart also "
            f"run: {upgrade} {advice}"
        ).rstrip()
    return Cure(command, Action.SET_LOCAL if policy == LOCAL else Action.SET_CLUSTER, advice)


def keep_policy(service: str, namespace: str, label_key: str) -> str:
    """Make the command by which a Service keeps the policy that a person chose.

    Args:
        service: Its name.
        namespace: Where it is.
        label_key: Key of the opt-out label.
    """
    return kubectl("label", "service", service, "-n", namespace, f"{label_key}={Mode.DISABLED}")


def new_health_check_port(service: str, namespace: str) -> Cure:
    """Let the API server allocate a port anew, as it does where a Service becomes ``Local``.

    Args:
        service: Its name.
        namespace: Where it is.

    Source:
        k8s.io/kubernetes pkg/registry/core/service/storage/alloc.go, updateHealthCheckNodePort.
    """
    away, back = (_set_policy(service, namespace, policy) for policy in (CLUSTER, LOCAL))
    return Cure(f"{away} && {back}")


def spread(workload: Workload | None, namespace: str, selector: Mapping[str, str]) -> Cure:
    """Have ready Pods on two nodes, behind a Service that is ``Local``.

    Args:
        workload: What makes the Pods; ``None`` where none was found.
        namespace: Where they are.
        selector: The Service's.

    Source:
        Kubernetes, Pod Topology Spread Constraints.
    """
    if workload is None:
        labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        look = ["get", "pods", "-n", namespace, "-o", "wide", *(["-l", labels] if labels else [])]
        return Cure(kubectl(*look), advice="Have ready Pods on two nodes at least.")
    constraint = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "nodeTaintsPolicy": "Honor",
        "labelSelector": {"matchLabels": dict(sorted(selector.items()))},
        "matchLabelKeys": ["pod-template-hash"],
    }
    if workload.owner.kind != "Deployment":
        del constraint["matchLabelKeys"]
    change = {
        "replicas": max(workload.replicas, 2),
        "template": {"spec": {"topologySpreadConstraints": [constraint]}},
    }
    command = kubectl("patch", _target(workload), "-n", namespace, "-p", _json({"spec": change}))
    advice = "Where a HorizontalPodAutoscaler counts them, set its minReplicas to 2 as well."
    return Cure(command, advice=advice)


def make_ready(workload: Workload | None, namespace: str, selector: Mapping[str, str]) -> Cure:
    """Have a ready Pod behind a Service that is ``Local``.

    Args:
        workload: What makes the Pods; ``None`` where none was found.
        namespace: Where they are.
        selector: The Service's.
    """
    if workload is None:
        return spread(None, namespace, selector)
    target = _target(workload)
    if workload.replicas == 0:
        return Cure(kubectl("scale", target, "-n", namespace, "--replicas=2"))
    restart = kubectl("rollout", "restart", target, "-n", namespace)
    advice = "Look at kubectl describe pod first: it says why they are not ready."
    return Cure(restart, advice=advice)


def opt_in(namespace: str, labels: Labels, label_key: str) -> Cure:
    """Opt a gateway's namespace in for its Services.

    Args:
        namespace: Its name.
        labels: Its labels.
        label_key: Key of the opt-in label.
    """
    mode = mode_of(labels, label_key)
    wanted = Mode.ENABLED if mode.includes(Half.EAST_WEST) else Mode.NORTH_SOUTH
    overwrite = ["--overwrite"] if label_key in labels else []
    advice = "Services that exist already are found by the next audit."
    label = kubectl("label", "namespace", namespace, f"{label_key}={wanted}", *overwrite)
    return Cure(label, advice=advice)


def kubectl(*arguments: str) -> str:
    """Write a command of kubectl, quoted for a shell."""
    return shlex.join(["kubectl", *arguments])


_HELM_VALUE: Final = "service.externalTrafficPolicy"
"""Where the chart ``gateway`` of Istio has the policy."""


def _set_policy(service: str, namespace: str, policy: str) -> str:
    change = _json({"spec": {"externalTrafficPolicy": policy}})
    return kubectl("patch", "service", service, "-n", namespace, "-p", change)


def _target(workload: Workload) -> str:
    """Name a workload as kubectl takes it."""
    return f"{workload.owner.kind.lower()}/{workload.owner.name}"


def _patch(workload: Workload, namespace: str, template: dict[str, Any]) -> str:
    """Write the command that changes a workload's template."""
    change: dict[str, Any] = template
    for name in reversed(workload.pointer.strip("/").split("/")):
        change = {name: change}
    target = _target(workload)
    return kubectl("patch", target, "-n", namespace, "--type=merge", "-p", _json(change))


def _proxy_place(template: PodTemplate) -> str:
    """Tell where in a template its own container istio-proxy stands."""
    spec = template.spec
    return next(
        f"{field}/{place}"
        for field, containers in (
            ("containers", spec.containers),
            ("initContainers", spec.init_containers),
        )
        for place, container in enumerate(containers or ())
        if container.name == PROXY
    )


def _names_of_pods(controllers: Sequence[Direct]) -> str:
    """Write the template that prints the names of the Pods of some controllers."""
    owned = " ".join(
        f'(and (eq .kind "{each.kind}") (eq .name "{each.name}"))' for each in controllers
    )
    return (
        "{{range .items}}{{$name := .metadata.name}}{{range .metadata.ownerReferences}}"
        f"{{{{if or {owned} false}}}}"
        '{{$name}}{{"\\n"}}{{end}}{{end}}{{end}}'
    )


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _escaped(key: str) -> str:
    """Write a key as a part of a JSON Pointer (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
