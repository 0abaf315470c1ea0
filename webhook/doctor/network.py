"""What leads clients to Services here, and what does ``externalTrafficPolicy: Local`` mean to it?

Source:
    docs/load-balancers.md, with a source for each row; Cilium, "Kubernetes Without kube-proxy" and
    "L2 Announcements"; MetalLB, Usage, "Traffic policies"; AliyunContainerService/terway,
    deployment and configuration ``eni-config``.
"""

from collections.abc import Iterator
from typing import Final

from webhook.cluster import NotFound
from webhook.doctor.checks import Area, Right, Subject, Verdict, warning, well
from webhook.doctor.inspection import Inspection
from webhook.doctor.objects import LoadBalancer, Named
from webhook.labels import Half, opted_out

_SYSTEM: Final = "kube-system"
_L2_CLASS: Final = "io.cilium/l2-announcer"
"""loadBalancerClass of Cilium's L2 announcer, which a rule leaves alone."""
_ON: Final = ("true", "strict", "partial", "probe")
"""Values of kube-proxy-replacement that mean that Cilium leads to Services; the last three are of
before 1.14."""
_DAEMON_SETS: Final = Right("list", "daemonsets", "apps")
_CILIUM: Final = Right("get", "configmaps", name="cilium-config")
_TERWAY: Final = Right("get", "configmaps", name="eni-config")


def kube_proxy(inspection: Inspection) -> Iterator[Verdict]:
    """Who leads to Services: kube-proxy, or what replaces it?"""
    cilium = inspection.config_map(_SYSTEM, "cilium-config") or {}
    replaced = cilium.get("kube-proxy-replacement", "false")
    proxies = [each for each in inspection.daemon_sets if "kube-proxy" in each.name]
    if replaced in _ON and not proxies:
        mode = cilium.get("bpf-lb-mode", "snat")
        shown = f"ConfigMap/cilium-config .data.bpf-lb-mode: {mode}"
        if mode in {"dsr", "hybrid"}:
            yield well("Cilium leads to Services and keeps addresses even without Local", shown)
        else:
            yield well("Cilium leads to Services, and keeps addresses under Local", shown)
    elif proxies:
        yield well(
            "kube-proxy leads to Services, and keeps addresses under Local",
            *(f"DaemonSet/{each.name} of namespace {each.metadata.namespace}" for each in proxies),
        )
    else:
        yield well(
            "no kube-proxy runs as a DaemonSet: what leads to Services here has to honour Local, "
            "as Kubernetes asks of it",
            "DaemonSet *kube-proxy*: absent",
        )


def terway(inspection: Inspection) -> Iterator[Verdict]:
    """Is the network plug-in Terway, whose load balancers may reach Pods directly?"""
    found = [each for each in inspection.daemon_sets if each.name.startswith("terway")]
    if not found:
        yield well("the network plug-in is not Terway")
        return
    settings = inspection.config_map(_SYSTEM, "eni-config")
    yield well(
        "Terway: load balancers with ENI backends reach Pods directly and keep addresses anyway, "
        "so Services that say so are left alone, and Local does no harm to others",
        *(f"DaemonSet/{each.name} of namespace {each.metadata.namespace}" for each in found),
        f"ConfigMap/eni-config: {'absent' if settings is None else 'present'}",
    )


def metallb(inspection: Inspection) -> Iterator[Verdict]:
    """Does MetalLB announce addresses, and how?"""
    speakers = [each for each in inspection.daemon_sets if _is_speaker(each)]
    if not speakers:
        yield well("MetalLB is not here")
        return
    shown = [f"DaemonSet/{each.name} of namespace {each.metadata.namespace}" for each in speakers]
    try:
        layer2 = inspection.listed("/apis/metallb.io/v1beta1/l2advertisements", Named)
    except NotFound:
        layer2 = []
    if layer2:
        yield well(
            "MetalLB, layer 2: of the nodes with a ready Pod of the Service one announces its "
            "address and gets all of its connections",
            *shown,
            *(f"L2Advertisement {each.place}" for each in layer2),
        )
    else:
        yield well("MetalLB, BGP: only nodes with a ready Pod announce a Local Service", *shown)


def cilium_l2(inspection: Inspection) -> Iterator[Verdict]:
    """Does Cilium announce addresses from nodes that may have no Pod?"""
    settings = inspection.config_map(_SYSTEM, "cilium-config") or {}
    if settings.get("enable-l2-announcements") != "true":
        yield well("Cilium announces no addresses on layer 2 here")
        return
    shown = "ConfigMap/cilium-config .data.enable-l2-announcements: true"
    asking = {each.name for each in inspection.opted_in(Half.NORTH_SOUTH)}
    at_risk = [
        each
        for each in inspection.load_balancers
        if each.metadata.namespace in asking and _at_risk(each, inspection)
    ]
    for each in at_risk:
        namespace = each.metadata.namespace
        yield warning(
            f"Cilium may announce Service {namespace}/{each.name} from a node without a Pod of it, "
            "which under Local drops everything",
            shown,
            f"Service/{each.name} of namespace {namespace} .spec.loadBalancerClass: "
            f"{each.spec.load_balancer_class or 'absent'}",
            cure=f"kubectl -n {namespace} label service {each.name} "
            f"{inspection.options.label_key}=disabled; kubectl -n {namespace} patch service "
            f'{each.name} -p \'{{"spec":{{"externalTrafficPolicy":"Cluster"}}}}\'',
        )
    if not at_risk:
        yield well("no Service that has opted in is left to Cilium's L2 announcer", shown)


def _at_risk(service: LoadBalancer, inspection: Inspection) -> bool:
    """Tell whether Cilium's announcer may have a Service that is, or becomes, Local."""
    if opted_out(service.labels, inspection.options.label_key):
        return service.spec.external_traffic_policy == "Local"
    announced = service.spec.load_balancer_class in {None, "", _L2_CLASS}
    left_alone = service.spec.load_balancer_class == _L2_CLASS and not inspection.options.cilium_l2
    return announced and (not left_alone or service.spec.external_traffic_policy == "Local")


def _is_speaker(workload: Named) -> bool:
    """Tell whether a DaemonSet is MetalLB's speaker, by its labels (manifests, and Helm chart)."""
    labels = workload.labels
    by_helm = labels.get("app.kubernetes.io/name") == "metallb"
    component = labels.get("component", labels.get("app.kubernetes.io/component"))
    return component == "speaker" and (by_helm or labels.get("app") == "metallb")


CHECKS: Final = (
    Subject(
        name="kube-proxy",
        area=Area.NETWORK,
        about="kube-proxy, or Cilium in its place, and in which mode.",
        why="It is what hides clients under Cluster and keeps them under Local.",
        cure="Nothing; it says what there is.",
        rights=(_DAEMON_SETS, _CILIUM),
        ask=kube_proxy,
    ),
    Subject(
        name="terway",
        area=Area.NETWORK,
        about="Terway's DaemonSet and its ConfigMap `eni-config`.",
        why="Its load balancers may reach Pods directly, where Local changes nothing.",
        cure="Nothing; see docs/load-balancers.md.",
        rights=(_DAEMON_SETS, _TERWAY),
        ask=terway,
    ),
    Subject(
        name="metallb",
        area=Area.NETWORK,
        about="MetalLB's speakers, and whether there are L2Advertisements.",
        why="On layer 2 one node gets all connections of a Service.",
        cure="Nothing; see docs/load-balancers.md.",
        rights=(_DAEMON_SETS, Right("list", "l2advertisements", "metallb.io")),
        ask=metallb,
    ),
    Subject(
        name="cilium-l2",
        area=Area.NETWORK,
        about="Where Cilium announces on layer 2, no Service of a namespace that has opted in is "
        "left to it.",
        why="It may announce from a node without a Pod, which under Local drops everything.",
        cure="Label the Service `source-ip-preservation: disabled` and set Cluster, or give it "
        "the class `io.cilium/l2-announcer`.",
        rights=(
            _CILIUM,
            Right("list", "namespaces"),
            Right("list", "services"),
        ),
        ask=cilium_l2,
    ),
)
"""In the order in which they are made."""
