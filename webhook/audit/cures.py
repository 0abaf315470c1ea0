"""What mends a Service that is not as it should be: the exact command, and what to know before it.

Every command is for a POSIX shell, and does no more than it says. Whether ``--fix`` may do the
same by itself is :class:`webhook.audit.findings.Action`'s to say: it never undoes what a person
has chosen.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from webhook.admission.authorship import CLUSTER
from webhook.admission.services import LOCAL
from webhook.audit.findings import Action, Cure
from webhook.audit.owners import Workload
from webhook.labels import Half, Labels, Mode, mode_of

NOTHING: Final = Cure("")
"""Of a note: there is nothing to mend."""
OVERWRITE: Final = "--overwrite"
"""Without it ``kubectl label`` refuses to change a label that is there."""
_HELM_VALUE: Final = "service.externalTrafficPolicy"
"""Where the chart ``gateway`` of Istio has the policy."""


def kubectl(*arguments: str) -> str:
    """Write a command of kubectl, quoted for a shell."""
    return shlex.join(["kubectl", *arguments])


def compact(value: Any) -> str:
    """Write JSON as short as it can be."""
    return json.dumps(value, separators=(",", ":"))


def target(workload: Workload) -> str:
    """Name a workload as kubectl takes it."""
    return f"{workload.owner.kind.lower()}/{workload.owner.name}"


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
    label = f"{label_key}={Mode.DISABLED}"
    # The label may be there with another value, which is none of an object's.
    return kubectl("label", "service", service, "-n", namespace, label, OVERWRITE)


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
    command = kubectl("patch", target(workload), "-n", namespace, "-p", compact({"spec": change}))
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
    if workload.replicas == 0:
        return Cure(kubectl("scale", target(workload), "-n", namespace, "--replicas=2"))
    restart = kubectl("rollout", "restart", target(workload), "-n", namespace)
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
    overwrite = [OVERWRITE] if label_key in labels else []
    advice = "Services that exist already are found by the next audit."
    label = kubectl("label", "namespace", namespace, f"{label_key}={wanted}", *overwrite)
    return Cure(label, advice=advice)


def _set_policy(service: str, namespace: str, policy: str) -> str:
    change = compact({"spec": {"externalTrafficPolicy": policy}})
    return kubectl("patch", "service", service, "-n", namespace, "-p", change)
