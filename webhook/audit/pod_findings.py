"""What many Pods show becomes one finding of their owner.

Nothing of a Pod is kept but its name, and that of a few only, so that memory does not grow with
their number. What becomes of it depends on what a new Pod of the same owner would get.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from webhook.admission.decision import Reason
from webhook.admission.pods import PodReason
from webhook.audit import pods
from webhook.audit.cures import NOTHING
from webhook.audit.findings import AuditReason, Cure, Evidence, Finding, Level, Owner
from webhook.audit.interception import PROXY
from webhook.audit.namespaces import OptedIn, Verdict
from webhook.audit.objects import LivePod
from webhook.audit.owners import Direct, Owners, Renewal, Workload
from webhook.audit.pod_cures import NAMED, PodCures
from webhook.audit.pods import Symptom
from webhook.labels import INTERCEPTION_MODE, LAST_APPLIED, POD_SECURITY, PROXY_CONFIG

_SAMPLES: Final = NAMED + 1
"""Names of Pods that are kept: enough to know that a command would have to name too many."""
_IN_FORCE: Final = {AuditReason.CRASH_LOOPING, AuditReason.PROXY_NOT_PRIVILEGED}
"""What is wrong although the setting is in force, so that a Pod without it would mend it."""
_CHOSEN_BY: Final = {
    PodReason.EXPLICIT_MODE: INTERCEPTION_MODE,
    PodReason.INVALID_MODE: INTERCEPTION_MODE,
    PodReason.PROXY_CONFIG_MODE: PROXY_CONFIG,
    PodReason.INVALID_PROXY_CONFIG: PROXY_CONFIG,
    PodReason.UNREAD_PROXY_CONFIG: PROXY_CONFIG,
}
"""Annotations of a template by which a person chooses."""


@dataclasses.dataclass(slots=True)
class _Group:
    """Pods of which the same is true."""

    symptom: Symptom
    """Of the first."""
    verdict: Verdict
    """What the rules say about the first, for want of a template."""
    recorded: bool
    """Whether the first holds its own manifest."""
    controllers: list[Direct]
    """What they name as their controllers."""
    count: int = 0
    names: list[str] = dataclasses.field(default_factory=list)
    """A few of them."""

    def take_in(self, other: "_Group") -> None:
        """Make one of two groups."""
        self.count += other.count
        self.names = [*self.names, *other.names][:_SAMPLES]
        self.controllers += [each for each in other.controllers if each not in self.controllers]


class PodFindings:
    """Collects what the Pods of one namespace show.

    Args:
        place: The namespace.
    """

    def __init__(self, place: OptedIn) -> None:
        self._place = place
        self._groups: dict[tuple[Direct, AuditReason], _Group] = {}

    def add(self, pod: LivePod) -> None:
        """Look at a Pod, and remember what it shows."""
        symptom = pods.examine(pod, self._place)
        if symptom is None:
            return
        about = pod.metadata
        direct = Direct.of(about.controller, about.name)
        key = direct, symptom.reason
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = self._group(pod, direct, symptom)
        group.count += 1
        if len(group.names) < _SAMPLES:
            group.names.append(about.name)

    def findings(self, owners: Owners) -> Iterator[Finding]:
        """Tell what is to be said of each owner.

        Args:
            owners: Finds the owners.
        """
        found = owners.find(direct for direct, _ in self._groups)
        merged: dict[tuple[Owner, str], tuple[Workload, AuditReason | Reason, Level, _Group]] = {}
        for (direct, symptom), group in self._groups.items():
            workload = found[direct]
            verdict = workload.verdict or group.verdict
            reason, level = _said(symptom, verdict)
            if level is None:
                continue
            key = workload.owner, str(reason)
            if key in merged:
                merged[key][3].take_in(group)
            else:
                merged[key] = workload._replace(verdict=verdict), reason, level, group
        for workload, reason, level, group in merged.values():
            yield self._finding(workload, reason, level, group)

    def _group(self, pod: LivePod, direct: Direct, symptom: Symptom) -> _Group:
        """Begin a group with its first Pod."""
        recorded = LAST_APPLIED in (pod.metadata.annotations or {})
        verdict = pods.judge(pod, self._place)
        return _Group(symptom, verdict, recorded, [direct])

    def _finding(
        self, workload: Workload, reason: AuditReason | Reason, level: Level, group: _Group
    ) -> Finding:
        decided_by = (
            group.symptom.times
            if isinstance(reason, AuditReason)
            else self._decided_by(workload, reason)
        )
        return Finding(
            namespace=self._place.name,
            owner=workload.owner,
            level=level,
            reason=str(reason),
            sentence=reason.sentence,
            evidence=(*group.symptom.evidence, *decided_by),
            objects=tuple(f"Pod/{name}" for name in group.names[:NAMED]),
            count=group.count,
            cure=self._cure(workload, reason, level, group),
        )

    def _cure(
        self, workload: Workload, reason: AuditReason | Reason, level: Level, group: _Group
    ) -> Cure:
        """Find what mends it."""
        if level is Level.NOTE:
            return NOTHING
        them = PodCures(
            workload=workload,
            namespace=self._place.name,
            label_key=self._place.options.label_key,
            controllers=group.controllers,
            pods=group.names,
        )
        if not isinstance(reason, AuditReason):
            return them.undo_choice()
        verdict = workload.verdict
        if reason in _IN_FORCE and verdict is not None and verdict.gets_setting:
            return them.do_without(reason)
        if workload.renewal is Renewal.BY_HAND and group.recorded:
            return them.recreate_from_record()
        return them.renew()

    def _decided_by(self, workload: Workload, reason: AuditReason | Reason) -> Sequence[Evidence]:
        """Show the field by which a rule decides, where it is one."""
        if reason is PodReason.POD_SECURITY:
            label = f"{POD_SECURITY}enforce"
            value = self._place.labels.get(label, "")
            return [Evidence(f"Namespace/{self._place.name} label {label}", value)]
        template = workload.template
        if not isinstance(reason, PodReason) or template is None:
            return ()
        where = f"{workload.owner.title} {workload.pointer.replace('/', '.')}"
        if annotation := _CHOSEN_BY.get(reason):
            escaped = annotation.replace(".", r"\.")
            value = (template.metadata.annotations or {}).get(annotation, "")
            return [Evidence(f"{where}.metadata.annotations.{escaped}", value)]
        if reason is PodReason.PROXY_SECURITY_CONTEXT:
            return [Evidence(f'{where}.spec containers "{PROXY}" .securityContext', "set")]
        return ()


def _said(symptom: AuditReason, verdict: Verdict) -> tuple[AuditReason | Reason, Level | None]:
    """Tell what is to be said of Pods: what they show, or what the rules say; and how loudly."""
    if verdict.gets_setting or (symptom in _IN_FORCE and verdict.level is not Level.FINDING):
        return symptom, symptom.level
    if symptom is AuditReason.NO_SIDECAR:  # without one they see their clients
        return symptom, None
    return verdict.reason, verdict.level
