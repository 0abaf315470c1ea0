"""Remarks: what a reader of a preview should know that no row of the table can say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from webhook.admission.services import LOAD_BALANCER
from webhook.labels import GATEWAY_SERVICE_TYPE, LAST_APPLIED, Labels, Mode, mistyped
from webhook.manifests.objects import Manifest, is_service, member, template_paths

_CLASSES: Final = {
    "istio-waypoint": "a waypoint serves the mesh, and its Service needs nothing",
    "agentgateway-waypoint": "a waypoint serves the mesh, and its Service needs nothing",
    "istio-remote": "it stands for a gateway of another cluster, and nothing is made of it here",
    "istio-east-west": (
        "istiod makes its Service when it is applied; the clients of an east-west gateway are "
        "gateways, so that Service is left alone unless --east-west-gateways asks for it"
    ),
}
"""Istio's classes that need a sentence of their own."""
_MANAGED: Final = frozenset({"istio", "agentgateway"})
"""Istio's classes whose Gateways get a load balancer."""


def remarks(manifests: Sequence[Manifest], label_key: str) -> list[str]:
    """Make the remarks upon manifests.

    Args:
        manifests: The manifests.
        label_key: Key of the label by which namespaces opt in and objects opt out.

    Returns:
        Sentences, each with the object that it is about.
    """
    found = [f"{each.title}: {words}." for each in manifests for words in _about(each, label_key)]
    live = [each for each in manifests if each.is_live and (is_service(each) or _is_workload(each))]
    if live:
        found.append(
            f"{_count(live)} read from a cluster: what exists stays as it is, and the table says "
            "what it, or a new Pod of it, gets when it is created anew."
        )
    return found


def unlabelled(namespaces: Iterable[str], known: Mapping[str, Labels], label_key: str) -> list[str]:
    """Tell how to ask about namespaces that are among the manifests and do not have the label.

    Args:
        namespaces: Names of the namespaces that objects go to.
        known: Labels of those that are among the manifests.
        label_key: Key of the label that may be missing.
    """
    return [
        f"Namespace/{name} is among these files, without the label {label_key}: --label "
        f"{name}={Mode.ENABLED} shows what the label would do."
        for name in dict.fromkeys(namespaces)
        if name in known and label_key not in known[name]
    ]


def is_gateway(manifest: Manifest) -> bool:
    """Tell whether this is a Gateway of the Gateway API, and not Istio's own kind of that name."""
    return (manifest.group, manifest.kind) == ("gateway.networking.k8s.io", "Gateway")


def _about(manifest: Manifest, label_key: str) -> Iterator[str]:
    """Make the remarks upon one object; what its labels may be is checked elsewhere."""
    labels = manifest.metadata.get("labels")
    value = labels.get(label_key) if isinstance(labels, dict) else None
    if (manifest.api_version, manifest.kind) == ("v1", "Namespace"):
        if isinstance(value, str) and mistyped({label_key: value}, label_key) is not None:
            yield (
                f"its label {label_key} has the value {value!r}, which means nothing: write "
                + ", ".join(Mode)
            )
    elif is_gateway(manifest):
        yield _gateway(manifest)
    elif is_service(manifest):
        if manifest.is_live and _lacks_authorship(manifest):
            yield (
                "its managedFields are not there, which may show that somebody asked for Cluster: "
                "use kubectl get --show-managed-fields -o yaml"
            )
    elif value and template_paths(manifest) not in ([], [()]):
        yield (
            f"its own label {label_key} means nothing, for Pods do not get it: write it into the "
            "labels of the pod template"
        )


def _gateway(manifest: Manifest) -> str:
    """Say how the Service of a Gateway is reached; the Gateway itself has no place for the setting.

    Source:
        istio/istio pilot/pkg/config/kube/gatewaycommon/classinfo.go (classes),
        gateway_utils.go (IsManaged) and deploymentcontroller.go (the type of the Service).
    """
    name = str(member(manifest.data, ("spec", "gatewayClassName")))
    addresses = member(manifest.data, ("spec", "addresses"))
    if isinstance(addresses, list) and not _is_managed(addresses):
        return (
            "it names the Service that it stands on, so nothing is made of it: that Service gets "
            "the setting when it is created itself"
        )
    if name in _CLASSES:
        return _CLASSES[name]
    if name not in _MANAGED:
        return (
            f"the controller of class {name} makes its Service, maybe in a namespace of its own; "
            "the webhook is asked when that Service is created, if that namespace opts in"
        )
    kind = member(manifest.metadata, ("annotations", GATEWAY_SERVICE_TYPE)) or LOAD_BALANCER
    if kind != LOAD_BALANCER:
        return f"istiod makes its Service, of type {kind}, and only load balancers are changed"
    return (
        "istiod makes its Service, in its namespace, when it is applied, and the webhook is asked "
        "then; without the webhook, a ConfigMap that spec.infrastructure.parametersRef names can "
        "set externalTrafficPolicy"
    )


def _is_managed(addresses: list[Any]) -> bool:
    """Tell whether istiod makes a Service although the Gateway names addresses."""
    if len(addresses) > 1:
        return False
    return all(member(each, ("type",)) in {None, "IPAddress"} for each in addresses)


def _lacks_authorship(manifest: Manifest) -> bool:
    """Tell whether nothing in a live load balancer shows who wrote which of its fields."""
    return (
        member(manifest.data, ("spec", "type")) == LOAD_BALANCER
        and not manifest.metadata.get("managedFields")
        and not member(manifest.metadata, ("annotations", LAST_APPLIED))
    )


def _is_workload(manifest: Manifest) -> bool:
    return bool(template_paths(manifest))


def _count(manifests: Sequence[Manifest]) -> str:
    if len(manifests) == 1:
        return f"{manifests[0].title} was"
    return f"{len(manifests)} of these objects were"
