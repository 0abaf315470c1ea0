"""Whom to act on: what made a Pod, what made that, and what its template says of new Pods.

Source:
    Kubernetes, Garbage Collection, "Owners and dependents"; Workloads.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from webhook.admission import pods
from webhook.admission.review import ObjectMeta, Pod
from webhook.audit.findings import Owner
from webhook.audit.namespaces import OptedIn, Verdict
from webhook.audit.objects import (
    LiveObject,
    LiveWorkload,
    OwnerReference,
    PodTemplate,
    helm_release,
)
from webhook.audit.reading import Reader
from webhook.cluster.answers import Page
from webhook.cluster.lists import METADATA_ONLY


class Renewal(enum.Enum):
    """How an owner's Pods are made anew."""

    RESTART = enum.auto()
    """By ``kubectl rollout restart``."""
    RESUME = enum.auto()
    """Likewise, but its rollouts are paused."""
    DELETE_HELD_BACK = enum.auto()
    """By deleting the Pods; those below a StatefulSet's partition keep their revision."""
    DELETE_PODS = enum.auto()
    """By deleting them, whereupon the owner makes others."""
    DELETE_JOB = enum.auto()
    """By deleting the Job; a CronJob makes the next one by itself."""
    BY_HAND = enum.auto()
    """By whoever has the Pod's manifest."""


class Direct(NamedTuple):
    """What a Pod names as its controller; the Pod itself where it names none."""

    api_version: str
    kind: str
    name: str

    @classmethod
    def of(cls, reference: OwnerReference | None, pod: str) -> "Direct":
        """Read a Pod's controller.

        Args:
            reference: What it names.
            pod: Its own name.
        """
        if reference is None:
            return cls("v1", "Pod", pod)
        return cls(reference.api_version, reference.kind, reference.name)

    @property
    def group_kind(self) -> tuple[str, str]:
        """API group and kind."""
        return self.api_version.rpartition("/")[0], self.kind


class Workload(NamedTuple):
    """An owner, and what becomes of the Pods that it makes from now on."""

    owner: Owner
    renewal: Renewal
    template: PodTemplate | None = None
    """What its Pods are made of; ``None`` where it cannot be read."""
    pointer: str = ""
    """JSON Pointer to the template; empty where the kind is not known."""
    verdict: Verdict | None = None
    """What the rules say about a Pod of the template."""
    replicas: int = 1
    """How many Pods it is to have."""


class _Kind(NamedTuple):
    """A kind of workload."""

    resource: str
    prefix: str
    """What its paths begin with."""
    renewal: Renewal
    pointer: str = "/spec/template"

    def path(self, namespace: str) -> str:
        """Path of the collection."""
        return f"{self.prefix}/namespaces/{quote(namespace, safe='')}/{self.resource}"


_APPS: Final = "/apis/apps/v1"
_BATCH: Final = "/apis/batch/v1"
_REPLICA_SET: Final = ("apps", "ReplicaSet")
JOB: Final = ("batch", "Job")
_KINDS: Final[dict[tuple[str, str], _Kind]] = {
    ("apps", "Deployment"): _Kind("deployments", _APPS, Renewal.RESTART),
    ("apps", "StatefulSet"): _Kind("statefulsets", _APPS, Renewal.RESTART),
    ("apps", "DaemonSet"): _Kind("daemonsets", _APPS, Renewal.RESTART),
    _REPLICA_SET: _Kind("replicasets", _APPS, Renewal.DELETE_PODS),
    JOB: _Kind("jobs", _BATCH, Renewal.DELETE_JOB),
    ("batch", "CronJob"): _Kind(
        "cronjobs", _BATCH, Renewal.DELETE_JOB, "/spec/jobTemplate/spec/template"
    ),
    ("", "ReplicationController"): _Kind("replicationcontrollers", "/api/v1", Renewal.DELETE_PODS),
}
"""Kubernetes' own kinds that make Pods, by group and kind."""
_MAY_HAVE_OWNERS: Final = (_REPLICA_SET, JOB)
_BEHIND_SERVICES: Final = (("apps", "Deployment"), ("apps", "StatefulSet"))
"""Kinds whose number of Pods a person can set."""
_objects = msgspec.json.Decoder(Page[LiveObject])
_workloads = msgspec.json.Decoder(Page[LiveWorkload])


class Owners:
    """Finds the owners of the Pods of one namespace.

    Args:
        reader: Reads the cluster.
        place: The namespace.
    """

    def __init__(self, reader: Reader, place: OptedIn) -> None:
        self._reader = reader
        self._place = place

    def find(self, controllers: Iterable[Direct]) -> dict[Direct, Workload]:
        """Find the owners of Pods.

        Args:
            controllers: What the Pods name as their controllers.

        Returns:
            For each of them the outermost owner: the Deployment of a ReplicaSet.
        """
        wanted = set(controllers)
        tops = {each: each for each in wanted}
        for kind in _MAY_HAVE_OWNERS:
            names = {each.name: each for each in wanted if each.group_kind == kind}
            for about in self._metadata(kind) if names else ():
                direct = names.get(about.metadata.name)
                if direct is not None and about.metadata.controller is not None:
                    tops[direct] = Direct.of(about.metadata.controller, "")
        found = {top: _unread(top) for top in tops.values()}
        for kind in _KINDS:
            names = {top.name: top for top in found if top.group_kind == kind}
            for each in self._listed(kind) if names else ():
                if each.metadata.name in names:
                    top = names[each.metadata.name]
                    found[top] = self._workload(top, each)
        return {direct: found[top] for direct, top in tops.items()}

    def behind(self, selector: Mapping[str, str]) -> Workload | None:
        """Find the first Deployment or StatefulSet whose Pods a Service selects.

        Args:
            selector: The Service's, not empty.
        """
        for kind in _BEHIND_SERVICES:
            for each in self._listed(kind):
                template = each.template
                labels = (template.metadata.labels if template else None) or {}
                if selector.items() <= labels.items():
                    api_version = f"{kind[0]}/v1"
                    return self._workload(Direct(api_version, kind[1], each.metadata.name), each)
        return None

    def _metadata(self, kind: tuple[str, str]) -> Iterator[LiveObject]:
        """List the metadata of all objects of a kind."""
        about, name = _KINDS[kind], self._place.name
        for page in self._reader.pages(
            about.resource, about.path(name), _objects, namespace=name, accept=METADATA_ONLY
        ):
            yield from page

    def _listed(self, kind: tuple[str, str]) -> Iterator[LiveWorkload]:
        """List all workloads of a kind."""
        about, name = _KINDS[kind], self._place.name
        for page in self._reader.pages(
            about.resource, about.path(name), _workloads, namespace=name
        ):
            yield from page

    def _workload(self, top: Direct, read: LiveWorkload) -> Workload:
        """Ask the rules about a Pod of a workload's template."""
        kind, template, spec = _KINDS[top.group_kind], read.template, read.spec
        owner = Owner(top.api_version, top.kind, top.name, helm_release(read.metadata))
        renewal = kind.renewal
        strategy = spec.update_strategy
        if strategy is not None and strategy.type == "OnDelete":
            renewal = Renewal.DELETE_PODS
        elif strategy is not None and (strategy.rolling_update or {}).get("partition"):
            renewal = Renewal.DELETE_HELD_BACK
        elif spec.paused:
            renewal = Renewal.RESUME
        if template is None:
            return Workload(owner, renewal, pointer=kind.pointer)
        about = template.metadata
        pod = Pod(
            ObjectMeta(
                generate_name=f"{top.name}-", labels=about.labels, annotations=about.annotations
            ),
            template.spec,
        )
        verdict = self._place.judge(pods.MUTATION, pod)
        replicas = 1 if spec.replicas is None else spec.replicas
        return Workload(owner, renewal, template, kind.pointer, verdict, replicas)


def _unread(top: Direct) -> Workload:
    """Make the owner of which no more is known than its name."""
    kind = _KINDS.get(top.group_kind)
    owner = Owner(top.api_version, top.kind, top.name)
    if kind is None:
        return Workload(owner, Renewal.BY_HAND if top.kind == "Pod" else Renewal.DELETE_PODS)
    return Workload(owner, kind.renewal, pointer=kind.pointer)
