"""What mends Pods that lack the setting, or have it without effect: the command, and what to know.

Mostly it is to make them anew, since the webhook acts on creations, and everything about a sidecar
is decided then. How that is done depends on what owns them.
"""

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Any, Final

from webhook.admission.decision import Reason
from webhook.admission.pods import PodReason
from webhook.audit.cures import OVERWRITE, compact, kubectl, target
from webhook.audit.findings import Action, AuditReason, Cure
from webhook.audit.interception import PROXY
from webhook.audit.objects import PodTemplate
from webhook.audit.owners import JOB, Direct, Renewal, Workload
from webhook.labels import INTERCEPTION_MODE, PROXY_CONFIG, TPROXY, Mode

NAMED: Final = 3
"""Pods that a command names one by one."""
_JOB_NAME: Final = "job-name"
"""Label of the Pods of a Job.

Source:
    Kubernetes, Well-Known Labels, Annotations and Taints.
"""
_REMOVED: Final[dict[Reason, str]] = {
    PodReason.EXPLICIT_MODE: INTERCEPTION_MODE,
    PodReason.INVALID_MODE: INTERCEPTION_MODE,
    PodReason.INVALID_PROXY_CONFIG: PROXY_CONFIG,
}
"""Annotations that are taken away, where they are the choice."""
_OVERRIDDEN: Final[set[Reason]] = {PodReason.PROXY_CONFIG_MODE, PodReason.UNREAD_PROXY_CONFIG}
"""Choices in an annotation that has other things in it as well, and loses to another one."""

_LOOK_FIRST: Final = {
    AuditReason.CRASH_LOOPING: (
        "Look at kubectl logs --previous first: the reason may be another one. With the label the "
        "Pods run without the setting."
    ),
    AuditReason.PROXY_NOT_PRIVILEGED: (
        "Look first for what takes the rights away: another webhook, or a template of the "
        "injector. With the label the Pods run without the setting."
    ),
}
"""What to do before Pods go without the setting."""
_ON_PODS_ONLY: Final = (
    "On existing Pods it changes nothing but what audit says of them: write it into the manifest "
    "as well, and make them anew."
)
"""What to know of the label where no command writes it into a template."""
_HELD_BACK: Final = {
    Renewal.RESUME: "Its rollouts are paused, which may have a reason.",
    Renewal.DELETE_HELD_BACK: "A partition holds its rollouts back, which may have a reason.",
}
"""What to know before a rollout goes on that somebody has stopped."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PodCures:
    """Commands for some Pods of one owner."""

    workload: Workload
    """The owner."""
    namespace: str
    """Where they are."""
    label_key: str
    """Key of the opt-out label."""
    controllers: Sequence[Direct]
    """What the Pods name as their controllers."""
    pods: Sequence[str]
    """Names of all of the Pods, or of more than :data:`NAMED` of them."""

    def renew(self) -> Cure:
        """Make the Pods anew, which is when the webhook acts.

        Source:
            Kubernetes, kubectl reference, rollout restart.
        """
        workload = self.workload
        restart = self._kubectl("rollout", "restart", target(workload))
        match workload.renewal:
            case Renewal.RESTART:
                return Cure(restart, Action.RESTART)
            case Renewal.RESUME:
                resume = self._kubectl("rollout", "resume", target(workload))
                return Cure(
                    f"{resume} && {restart}",
                    advice=_HELD_BACK[Renewal.RESUME],
                )
            case Renewal.DELETE_JOB:
                return Cure(
                    self._kubectl("delete", "job", *(each.name for each in self.controllers)),
                    advice=(
                        "It ends what the Job has begun. Then apply its manifest again."
                        if self._is_job
                        else "It ends what the Jobs have begun; the next ones get the setting."
                    ),
                )
            case Renewal.BY_HAND:
                return Cure(
                    self._kubectl("delete", "pod", *self.pods),
                    advice="Then apply its manifest again: nothing else makes this Pod anew.",
                )
        return Cure(
            self._each_pod("delete", "pod"),
            advice=f"{workload.owner.title} makes others in their place.",
        )

    def recreate_from_record(self) -> Cure:
        """Make a Pod anew that has no owner, from the manifest that ``kubectl apply`` keeps on it.

        Source:
            Kubernetes, kubectl reference, apply view-last-applied and replace.
        """
        view = self._kubectl("apply", "view-last-applied", f"pod/{self.pods[0]}", "-o", "yaml")
        return Cure(
            f"{view} | {self._kubectl('replace', '--force', '--save-config', '-f', '-')}",
            advice="It deletes the Pod, and creates it as its last manifest says.",
        )

    def do_without(self, reason: AuditReason) -> Cure:
        """Take TPROXY away from Pods that cannot do their work with it.

        Args:
            reason: Why they cannot.
        """
        advice = self._with_warning(_LOOK_FIRST[reason])
        if self._is_job or not self.workload.pointer:
            advice = f"{advice} {_ON_PODS_ONLY}"
        return Cure(self._and_renew(self.opt_out()), advice=advice)

    def undo_choice(self) -> Cure:
        """Take away a person's choice of another mode."""
        template, verdict = self.workload.template, self.workload.verdict
        keep = self.opt_out()
        if template is None or verdict is None:
            return Cure(
                keep,
                advice="This keeps the choice. Else take it out of the manifest, and apply that.",
            )
        advice = f"To keep the choice: {keep}"
        if self.workload.owner.helm_release:
            advice = f"Helm writes it again at its next upgrade: change the values too. {advice}"
        if self._is_job:
            return Cure(
                self._kubectl("delete", "job", self.workload.owner.name),
                advice=f"Take the choice out of its manifest, and apply that. {advice}",
            )
        advice = self._with_warning(advice)
        if verdict.reason in _OVERRIDDEN:
            change = {"metadata": {"annotations": {INTERCEPTION_MODE: TPROXY}}}
            return Cure(self._and_renew(self._patch(change)), advice=advice)
        if annotation := _REMOVED.get(verdict.reason):
            path = f"/metadata/annotations/{_escaped(annotation)}"
        else:
            path = f"/spec/{_proxy_place(template)}/securityContext"
        operation = {"op": "remove", "path": self.workload.pointer + path}
        patch = ("--type=json", "-p", compact([operation]))
        removal = self._kubectl("patch", target(self.workload), *patch)
        return Cure(self._and_renew(removal), advice=advice)

    def opt_out(self) -> str:
        """Write the command that leaves the owner's Pods alone from now on."""
        label = f"{self.label_key}={Mode.DISABLED}"
        if self._is_job:  # whose template cannot be changed
            selector = f"{_JOB_NAME}={self.workload.owner.name}"
            return self._kubectl("label", "pods", "-l", selector, label, OVERWRITE)
        if self.workload.pointer:
            return self._patch({"metadata": {"labels": {self.label_key: Mode.DISABLED.value}}})
        return self._each_pod("label", "pod", label, OVERWRITE)

    @property
    def _is_job(self) -> bool:
        owner = self.workload.owner
        return Direct(owner.api_version, owner.kind, owner.name).group_kind == JOB

    def _kubectl(self, *arguments: str) -> str:
        return kubectl(*arguments, "-n", self.namespace)

    def _patch(self, template: dict[str, Any]) -> str:
        """Write the command that changes the owner's template."""
        change: dict[str, Any] = template
        for name in reversed(self.workload.pointer.strip("/").split("/")):
            change = {name: change}
        return self._kubectl("patch", target(self.workload), "--type=merge", "-p", compact(change))

    def _and_renew(self, command: str) -> str:
        """Have the Pods made anew where a change of the template does not do that by itself."""
        workload = self.workload
        match workload.renewal:
            case Renewal.DELETE_PODS if workload.pointer:
                return f"{command} && {self._each_pod('delete', 'pod')}"
            case Renewal.RESUME:
                return f"{command} && {self._kubectl('rollout', 'resume', target(workload))}"
            case Renewal.DELETE_HELD_BACK:
                whole = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}
                patch = ("patch", target(workload), "-p", compact(whole))
                return f"{command} && {self._kubectl(*patch)}"
        return command

    def _with_warning(self, advice: str) -> str:
        """Add what to know before a change of the template reaches all Pods."""
        return f"{_HELD_BACK.get(self.workload.renewal, '')} {advice}".strip()

    def _each_pod(self, verb: str, noun: str, *after: str) -> str:
        """Write the command that does something to each of the Pods, few or many."""
        if len(self.pods) <= NAMED:
            return self._kubectl(verb, noun, *self.pods, *after)
        names = self._kubectl("get", "pods", "-o", f"go-template={_names(self.controllers)}")
        each = kubectl(verb, noun, "-n", self.namespace)
        if after:
            return f"{names} | xargs -I % {each} % {shlex.join(after)}"
        return f"{names} | xargs {each}"


def _names(controllers: Sequence[Direct]) -> str:
    """Write the template that prints the names of the Pods of some controllers."""
    owned = " ".join(
        f'(and (eq .kind "{each.kind}") (eq .name "{each.name}"))' for each in controllers
    )
    return (
        "{{range .items}}{{$name := .metadata.name}}{{range .metadata.ownerReferences}}"
        f"{{{{if or false {owned}}}}}"
        '{{$name}}{{"\\n"}}{{end}}{{end}}{{end}}'
    )


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


def _escaped(key: str) -> str:
    """Write a key as a part of a JSON Pointer (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
