"""The parts of existing namespaces, Pods and workloads that an audit reads, as typed structs.

They add to the structs of :mod:`webhook.admission.review` what only an object that exists has, so
that the rules of admission can be asked about it as it is.

Source:
    k8s.io/api core/v1, apps/v1, batch/v1 and meta/v1, types.go.
"""

from typing import Final

import msgspec

from webhook.admission.review import Container, ObjectMeta, Pod, PodSpec

HELM_MANAGED: Final = "app.kubernetes.io/managed-by"
"""Label of what a tool manages; ``Helm`` on the objects of a release.

Source:
    Helm, Labels and Annotations.
"""
HELM_RELEASE_NAME: Final = "meta.helm.sh/release-name"
HELM_RELEASE_NAMESPACE: Final = "meta.helm.sh/release-namespace"
"""Annotations by which Helm knows the objects of its releases.

Source:
    helm/helm pkg/action/validate.go.
"""


class _Wire(msgspec.Struct, gc=False, rename="camel"):
    """Part of an object, spelled in camelCase on the wire."""


class OwnerReference(_Wire):
    """One of ``metadata.ownerReferences``."""

    api_version: str
    kind: str
    name: str
    controller: bool | None = None


class LiveObjectMeta(ObjectMeta):
    """``metadata`` of an object that exists."""

    namespace: str = ""
    creation_timestamp: str = ""
    """RFC 3339 in UTC, to the second: sorts by time."""
    deletion_timestamp: str | None = None
    owner_references: list[OwnerReference] | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that makes and replaces the object."""
        return next((each for each in self.owner_references or () if each.controller), None)


def helm_release(metadata: ObjectMeta) -> str:
    """Read which Helm release an object belongs to.

    Args:
        metadata: The object's.

    Returns:
        ``namespace/name``; empty where it does not say so.
    """
    annotations = metadata.annotations or {}
    name = annotations.get(HELM_RELEASE_NAME)
    if (metadata.labels or {}).get(HELM_MANAGED) != "Helm" or not name:
        return ""
    return f"{annotations.get(HELM_RELEASE_NAMESPACE, '')}/{name}"


class LiveObject(_Wire):
    """An object of which no more than its metadata is read."""

    metadata: LiveObjectMeta


# --- Namespaces -----------------------------------------------------------------------------------


class _FieldsOfMetadata(_Wire):
    """``f:metadata`` of a managed fields entry."""

    labels: dict[str, msgspec.Raw] = msgspec.field(name="f:labels", default_factory=dict)


class _NamespaceFields(_Wire):
    """``fieldsV1`` of a managed fields entry of a namespace."""

    metadata: _FieldsOfMetadata = msgspec.field(
        name="f:metadata", default_factory=_FieldsOfMetadata
    )


class NamespaceManagedFields(_Wire):
    """One entry of ``metadata.managedFields`` of a namespace: who wrote which labels, and when."""

    manager: str = ""
    time: str = ""
    fields_v1: _NamespaceFields = msgspec.field(default_factory=_NamespaceFields)


class NamespaceMetadata(LiveObjectMeta):
    """``metadata`` of a namespace."""

    managed_fields: list[NamespaceManagedFields] | None = None


class LiveNamespace(_Wire):
    """A Namespace."""

    metadata: NamespaceMetadata


# --- Pods -----------------------------------------------------------------------------------------


class EnvVar(_Wire):
    """One of a container's ``env``."""

    name: str
    value: str = ""


class LiveContainer(Container):
    """A container of a Pod that exists."""

    env: list[EnvVar] | None = None


class LivePodSpec(PodSpec):
    """``spec`` of a Pod that exists."""

    containers: list[LiveContainer] | None = None  # type: ignore[assignment]
    init_containers: list[LiveContainer] | None = None  # type: ignore[assignment]


class Waiting(_Wire):
    """``waiting`` of the state of a container."""

    reason: str = ""


class Terminated(_Wire):
    """``terminated`` of the state of a container."""

    exit_code: int = 0


class ContainerState(_Wire):
    """``state`` of a container."""

    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Wire):
    """What kubelet tells of a container."""

    name: str
    restart_count: int = 0
    state: ContainerState | None = None


class PodIP(_Wire):
    """One of the addresses of a Pod."""

    ip: str = ""


class PodStatus(_Wire):
    """``status`` of a Pod."""

    phase: str = ""
    pod_ips: list[PodIP] | None = msgspec.field(name="podIPs", default=None)
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class LivePod(Pod):
    """A Pod that exists."""

    metadata: LiveObjectMeta
    spec: LivePodSpec
    status: PodStatus = msgspec.field(default_factory=PodStatus)


# --- What makes Pods ------------------------------------------------------------------------------


class PodTemplate(_Wire):
    """``spec.template``: what the Pods of a workload are made of."""

    spec: PodSpec
    metadata: ObjectMeta = msgspec.field(default_factory=ObjectMeta)


class _JobSpec(_Wire):
    """``spec`` of a Job, inside of a CronJob."""

    template: PodTemplate


class _JobTemplate(_Wire):
    """``spec.jobTemplate`` of a CronJob."""

    spec: _JobSpec


class UpdateStrategy(_Wire):
    """``spec.updateStrategy`` of a StatefulSet or a DaemonSet."""

    type: str = ""
    rolling_update: dict[str, int | str] | None = None


class WorkloadSpec(_Wire):
    """``spec`` of what makes Pods, of any of Kubernetes' own kinds."""

    replicas: int | None = None
    paused: bool | None = None
    update_strategy: UpdateStrategy | None = None
    template: PodTemplate | None = None
    job_template: _JobTemplate | None = None


class LiveWorkload(_Wire):
    """A Deployment, or another object that makes Pods."""

    metadata: LiveObjectMeta
    spec: WorkloadSpec

    @property
    def template(self) -> PodTemplate | None:
        """What its Pods are made of."""
        job = self.spec.job_template
        return self.spec.template if job is None else job.spec.template
