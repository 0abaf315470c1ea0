"""How far a workload's rollout is: what keeps it from beginning, whether it has ended, and how.

Source:
    Kubernetes, ``kubectl rollout status`` and ``kubectl rollout restart``:
    k8s.io/kubectl pkg/polymorphichelpers/rollout_status.go and objectrestarter.go.
"""

from typing import Final, NamedTuple

import msgspec

PLURALS: Final = {
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
}
"""The kinds of ``apps/v1`` that have rollouts, and their names in paths."""


class _Metadata(msgspec.Struct, gc=False):
    generation: int = 0


class _RollingUpdate(msgspec.Struct, gc=False):
    partition: int | None = None


class _Strategy(msgspec.Struct, gc=False, rename="camel"):
    type: str = "RollingUpdate"
    rolling_update: _RollingUpdate | None = None


class Requirement(msgspec.Struct, gc=False):
    """One of a selector's ``matchExpressions``."""

    key: str
    operator: str
    values: list[str] | None = None


class Selector(msgspec.Struct, gc=False, rename="camel"):
    """Which Pods are a workload's."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Requirement] | None = None

    def __str__(self) -> str:
        """Write it as a query has it."""
        parts = [f"{key}={value}" for key, value in (self.match_labels or {}).items()]
        for each in self.match_expressions or ():
            listed = f"({','.join(each.values or ())})"
            parts.append(
                {
                    "In": f"{each.key} in {listed}",
                    "NotIn": f"{each.key} notin {listed}",
                    "Exists": each.key,
                }.get(each.operator, f"!{each.key}")
            )
        return ",".join(parts)


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    replicas: int | None = None
    paused: bool | None = None
    selector: Selector = msgspec.field(default_factory=Selector)
    update_strategy: _Strategy | None = None


class _Condition(msgspec.Struct, gc=False):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""


class _Status(msgspec.Struct, gc=False, rename="camel"):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    conditions: list[_Condition] | None = None


class Workload(msgspec.Struct, gc=False):
    """What a rollout can be told from."""

    metadata: _Metadata
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


class Progress(NamedTuple):
    """How far a rollout is."""

    done: int
    """New Pods that are available, at least."""
    total: int
    """How many there are to be."""
    ended: bool
    """Whether all of them are, and no old ones are left."""
    failure: str = ""
    """Why it will not end by itself; empty while it may."""


def obstacle(workload: Workload) -> str:
    """Tell what keeps a restart from making new Pods; empty where nothing does."""
    strategy = workload.spec.update_strategy or _Strategy()
    if workload.spec.paused:
        return "it is paused (spec.paused), and makes no new Pods until it is resumed"
    if strategy.type == "OnDelete":
        return "its updateStrategy is OnDelete, so it makes new Pods only as you delete the old"
    if strategy.rolling_update is not None and strategy.rolling_update.partition:
        return (
            f"its updateStrategy has partition {strategy.rolling_update.partition}, so the Pods "
            "below that number would stay as they are"
        )
    return ""


def progress(kind: str, workload: Workload) -> Progress:
    """Tell how far the rollout is that the last change has begun.

    Args:
        kind: One of :data:`PLURALS`.
        workload: As it is now.
    """
    status = workload.status
    if kind == "DaemonSet":
        available, total = status.number_available, status.desired_number_scheduled
        updated = status.updated_number_scheduled
        old = max(total - updated, 0)
        left = False
    else:
        total = 1 if workload.spec.replicas is None else workload.spec.replicas
        available, updated = status.available_replicas, status.updated_replicas
        old = max(status.replicas - updated, 0)
        # A StatefulSet names its revisions; of a Deployment, Pods beyond the updated are old.
        renewed = status.update_revision == status.current_revision
        left = not renewed if kind == "StatefulSet" else old > 0
    # Nobody tells how many of the available ones are new: at least those that cannot be old.
    done = min(max(available - old, 0), updated)
    if status.observed_generation < workload.metadata.generation:
        return Progress(0, total, ended=False)
    for condition in status.conditions or ():
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return Progress(done, total, ended=False, failure=condition.message)
    ended = updated >= total and available >= total and not left
    return Progress(done, total, ended=ended)


def refusal(workload: Workload) -> str:
    """Tell why the controller of a Deployment cannot make Pods, as of a quota; empty if it can.

    Source:
        k8s.io/api apps/v1 types.go, DeploymentReplicaFailure.
    """
    for condition in workload.status.conditions or ():
        if condition.type == "ReplicaFailure" and condition.status == "True":
            return condition.message
    return ""
