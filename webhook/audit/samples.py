"""Which running Pods are worth a look inside: a few of each owner."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from webhook.admission.options import Options
from webhook.admission.sidecars import Sidecars
from webhook.audit.interception import PROXY, interception
from webhook.audit.namespaces import OptedIn
from webhook.audit.objects import LiveNamespace, LivePod
from webhook.audit.owners import Direct, Owners, Workload
from webhook.audit.reading import Reader
from webhook.audit.sockets import Address
from webhook.cluster.answers import Page
from webhook.labels import Half, opted_out

_MOST: Final = 3
"""Pods of one owner."""
_PROBERS: Final = "ISTIO_KUBE_APP_PROBERS"
"""Variable that tells Istio's agent which probes it makes in kubelet's place.

Source:
    istio/istio pilot/cmd/pilot-agent/status/server.go.
"""
_namespace = msgspec.json.Decoder(LiveNamespace)
_pods = msgspec.json.Decoder(Page[LivePod])


class Sample(NamedTuple):
    """A running Pod with a sidecar."""

    name: str
    containers: tuple[str, ...]
    """Their names, the proxy's first."""
    own: frozenset[Address]
    """Its addresses."""
    in_force: bool
    """Whether the setting is in force, by all that the Pod says."""
    probed: bool
    """Whether Istio's agent probes the application, which it does from the sidecar's address."""


class Owned(NamedTuple):
    """A few Pods of one owner."""

    namespace: str
    workload: Workload
    controllers: tuple[Direct, ...]
    """What the Pods name as their controllers."""
    samples: tuple[Sample, ...]


def collect(
    reader: Reader, options: Options, namespaces: tuple[str, ...], selector: str
) -> Iterator[Owned]:
    """Find the Pods of opted-in namespaces that may see clients or their sidecar.

    Args:
        reader: Reads the cluster.
        options: What the admin chose for the webhook.
        namespaces: Their names; those that do not ask for the setting of Pods are passed over.
        selector: Label selector of the Pods; empty: all.

    Yields:
        Each owner.
    """
    params = {"labelSelector": selector} if selector else {}
    for name in namespaces:
        path = f"/api/v1/namespaces/{quote(name, safe='')}"
        namespace = reader.one("namespaces", path, _namespace, namespace=name)
        if namespace is None:
            continue
        place = OptedIn.of(
            namespace, configuration="", installed="", options=options, sidecars=Sidecars()
        )
        if not place.asks_for(Half.EAST_WEST):
            continue
        found: dict[Direct, list[Sample]] = {}
        for page in reader.pages("pods", f"{path}/pods", _pods, namespace=name, params=params):
            for pod in page:
                if (sample := _sample(pod, options.label_key)) is not None:
                    direct = Direct.of(pod.metadata.controller, pod.metadata.name)
                    few = found.setdefault(direct, [])
                    few += [sample][: _MOST - len(few)]
        yield from _by_owner(name, found, Owners(reader, place).find(found))


def _by_owner(
    namespace: str, found: dict[Direct, list[Sample]], workloads: dict[Direct, Workload]
) -> Iterator[Owned]:
    """Put together the Pods of the ReplicaSets of one Deployment."""
    owners = dict.fromkeys(workload.owner for workload in workloads.values())
    for owner in owners:
        directs = tuple(each for each in found if workloads[each].owner == owner)
        samples = [sample for each in directs for sample in found[each]]
        yield Owned(namespace, workloads[directs[0]], directs, tuple(samples[:_MOST]))


def _sample(pod: LivePod, label_key: str) -> Sample | None:
    """Describe a Pod; ``None`` where it does not run, has no sidecar, or has opted out."""
    about, spec = pod.metadata, pod.spec
    seen = interception(pod)
    if (
        seen is None
        or pod.status.phase != "Running"
        or about.deletion_timestamp is not None
        or opted_out(about.labels or {}, label_key)
    ):
        return None
    containers = [*(spec.containers or ()), *(spec.init_containers or ())]
    (proxy, *_) = (each for each in containers if each.name == PROXY)
    return Sample(
        name=about.name,
        containers=(PROXY, *(each.name for each in spec.containers or () if each.name != PROXY)),
        own=frozenset(ip_address(each.ip) for each in pod.status.pod_ips or ()),
        in_force=seen.in_force,
        probed=any(each.name == _PROBERS for each in proxy.env or ()),
    )
