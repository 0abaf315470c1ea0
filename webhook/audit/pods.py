"""What an existing Pod shows: whether the setting is there, and whether it has an effect.

What only the Pod's template or the rules can tell is asked later, once for each owner: most Pods
show nothing, and of those that do, hundreds have the same owner.
"""

from typing import Final, NamedTuple

from webhook.admission.pods import MUTATION, asked_for
from webhook.admission.review import ObjectMeta, Pod, PodSpec
from webhook.audit.findings import AuditReason, Evidence
from webhook.audit.interception import (
    INIT,
    PROXY,
    VALIDATION,
    Interception,
    annotation,
    interception,
    is_router,
)
from webhook.audit.namespaces import OptedIn, Verdict
from webhook.audit.objects import ContainerStatus, LiveContainer, LivePod
from webhook.labels import INJECTION_STATUS, INTERCEPTION_MODE, MIRROR, TPROXY, opted_out

_ENDED: Final = {"Succeeded", "Failed"}
"""Phases of a Pod whose containers do not run any more."""
_CRASH_LOOP: Final = "CrashLoopBackOff"
"""Why kubelet waits before it starts a container again."""
_RESTARTS: Final = 3
"""From so many on a container that has ended counts as one that keeps ending."""
_INJECTED: Final = {INIT, VALIDATION, PROXY}


class Symptom(NamedTuple):
    """What is wrong with a Pod, as far as the Pod itself shows it."""

    reason: AuditReason
    evidence: tuple[Evidence, ...]
    times: tuple[Evidence, ...] = ()
    """Why the reason is this one, where the Pod's age decides."""


def examine(pod: LivePod, place: OptedIn) -> Symptom | None:
    """Look at a Pod; ``None`` where nothing is wrong with it.

    Args:
        pod: As it is in the cluster.
        place: Its namespace, which asks for the setting.
    """
    if not _counts(pod, place):
        return None
    seen = interception(pod)
    if seen is None:
        return _without_sidecar(pod, place)
    if not seen.in_force:
        return _not_in_force(pod, place, seen)
    if not seen.privileged:
        return Symptom(AuditReason.PROXY_NOT_PRIVILEGED, (*seen.modes, *seen.rights))
    return _crash_looping(pod)


def judge(pod: LivePod, place: OptedIn) -> Verdict:
    """Ask the rules what a new Pod like this one would get, where its template cannot be read.

    Args:
        pod: As it is in the cluster.
        place: Its namespace.
    """
    return place.judge(MUTATION, before_injection(pod))


def before_injection(pod: LivePod) -> Pod:
    """Take away what Istio's injector has added, as far as the rules would take notice of it.

    Args:
        pod: As it is in the cluster.

    Source:
        istio/istio files/injection-template.yaml; pkg/kube/inject/webhook.go, stripPod.
    """
    about, spec = pod.metadata, pod.spec
    annotations = dict(about.annotations or {})
    if annotations.pop(INJECTION_STATUS, None) is not None:
        # With istio-cni the injector writes the mode that it has rendered.
        annotations.pop(INTERCEPTION_MODE, None)
    return Pod(
        ObjectMeta(about.name, about.generate_name, about.labels, annotations),
        PodSpec(
            containers=[each for each in spec.containers or () if not _is_injected(each)],
            init_containers=[each for each in spec.init_containers or () if not _is_injected(each)],
            host_network=spec.host_network,
            os=spec.os,
            node_selector=spec.node_selector,
            runtime_class_name=spec.runtime_class_name,
            security_context=spec.security_context,
        ),
    )


def _counts(pod: LivePod, place: OptedIn) -> bool:
    """Whether a Pod runs, or is to run, and has not opted out."""
    about = pod.metadata
    return (
        about.deletion_timestamp is None
        and pod.status.phase not in _ENDED
        and MIRROR not in (about.annotations or {})
        and not opted_out(about.labels or {}, place.options.label_key)
    )


def _not_in_force(pod: LivePod, place: OptedIn, seen: Interception) -> Symptom | None:
    """Look at a Pod whose sidecar does not keep its clients' addresses."""
    about = pod.metadata
    chosen = (about.annotations or {}).get(INTERCEPTION_MODE)
    if chosen == TPROXY:
        lie = annotation(chosen)
        shown = (lie, *(each for each in seen.modes if each != lie))
        return Symptom(AuditReason.ANNOTATION_WITHOUT_EFFECT, shown)
    if seen.off:
        return None
    reason, times = place.why_missing(about.creation_timestamp)
    return Symptom(reason, seen.modes, times)


def _is_injected(container: LiveContainer) -> bool:
    return container.name in _INJECTED and not is_router(container)


def _without_sidecar(pod: LivePod, place: OptedIn) -> Symptom | None:
    """Look at a Pod without a sidecar: somebody may have asked for one."""
    if not asked_for(place.case(pod)):
        return None
    status = INJECTION_STATUS.replace(".", r"\.")
    evidence = Evidence(f".metadata.annotations.{status}", "absent")
    containers = ", ".join(each.name for each in pod.spec.containers or ())
    return Symptom(
        AuditReason.NO_SIDECAR, (evidence, Evidence(".spec.containers[*].name", containers))
    )


def _crash_looping(pod: LivePod) -> Symptom | None:
    """Look for a container that keeps ending."""
    for field, statuses in (
        ("containerStatuses", pod.status.container_statuses),
        ("initContainerStatuses", pod.status.init_container_statuses),
    ):
        for each in statuses or ():
            shown = _keeps_ending(each)
            if shown is not None:
                path = f'.status.{field}[?(@.name=="{each.name}")]'
                restarts = Evidence(f"{path}.restartCount", str(each.restart_count))
                state = Evidence(f"{path}.{shown.field}", shown.value)
                return Symptom(AuditReason.CRASH_LOOPING, (state, restarts))
    return None


def _keeps_ending(status: ContainerStatus) -> Evidence | None:
    """Tell by which field of its status a container shows that it keeps ending.

    What ended it the last time does not count while it runs: that may be months ago.
    """
    state = status.state
    if state is None:
        return None
    if state.waiting is not None and state.waiting.reason == _CRASH_LOOP:
        return Evidence("state.waiting.reason", _CRASH_LOOP)
    ended = state.terminated
    if ended is not None and ended.exit_code and status.restart_count >= _RESTARTS:
        return Evidence("state.terminated.exitCode", str(ended.exit_code))
    return None
