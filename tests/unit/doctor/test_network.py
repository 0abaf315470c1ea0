"""kube-proxy and what takes its place, Terway, MetalLB, and Cilium's announcer."""

from typing import Any

from tests.unit.doctor.cases import OK, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    CILIUM,
    DAEMON_SETS,
    ENI,
    L2,
    SERVICES,
    daemon_set,
    named,
    service,
)
from webhook.admission.options import Options


def cilium(**data: str) -> dict[str, Any]:
    """Make Cilium's settings; ``_`` in a key stands for ``-``."""
    spelled = {key.replace("_", "-"): value for key, value in data.items()}
    return {CILIUM: {"metadata": {}, "data": spelled}}


ANNOUNCING = cilium(enable_l2_announcements="true")
SPEAKER = daemon_set("speaker", "metallb-system", app="metallb", component="speaker")
BY_HELM = daemon_set("m-speaker", "metallb-system")
BY_HELM["metadata"]["labels"] = {
    "app.kubernetes.io/name": "metallb",
    "app.kubernetes.io/component": "speaker",
}
OUT = service("out", "shop")
OUT["metadata"]["labels"] = {"source-ip-preservation": "disabled"}
OUT_BUT_LOCAL = service("out", "shop", externalTrafficPolicy="Local")
OUT_BUT_LOCAL["metadata"]["labels"] = {"source-ip-preservation": "disabled"}
L2_CLASS = "io.cilium/l2-announcer"


def announced(*services: dict[str, Any]) -> dict[str, Any]:
    """Make a cluster in which Cilium announces, with these Services."""
    return ANNOUNCING | {SERVICES: list(services)}


@table(
    Case("kube-proxy", "kube-proxy", {}, (OK,), ("DaemonSet/kube-proxy",)),
    Case("none", "kube-proxy", {DAEMON_SETS: []}, (OK,), ("absent",)),
    Case(
        "Cilium",
        "kube-proxy",
        {DAEMON_SETS: []} | cilium(kube_proxy_replacement="true"),
        (OK,),
        ("under Local", "snat"),
    ),
    Case(
        "Cilium, direct return",
        "kube-proxy",
        {DAEMON_SETS: []} | cilium(kube_proxy_replacement="true", bpf_lb_mode="dsr"),
        (OK,),
        ("even without Local",),
    ),
    Case("no Terway", "terway", {}, (OK,), ("is not Terway",)),
    Case(
        "Terway",
        "terway",
        {DAEMON_SETS: [daemon_set("terway-eniip")]},
        (OK,),
        ("ENI backends", "ConfigMap/eni-config: absent"),
    ),
    Case(
        "Terway's settings",
        "terway",
        {DAEMON_SETS: [daemon_set("terway-eniip")], ENI: {"metadata": {}}},
        (OK,),
        ("present",),
    ),
    Case("no MetalLB", "metallb", {}, (OK,), ("not here",)),
    Case(
        "another speaker",
        "metallb",
        {DAEMON_SETS: [daemon_set("s", app="x", component="speaker")]},
        (OK,),
        ("not here",),
    ),
    Case(
        "layer 2",
        "metallb",
        {DAEMON_SETS: [SPEAKER], L2: [named("l2", "metallb-system")]},
        (OK,),
        ("layer 2", "L2Advertisement metallb-system/l2"),
    ),
    Case("BGP", "metallb", {DAEMON_SETS: [BY_HELM]}, (OK,), ("BGP",)),
    Case("no Cilium", "cilium-l2", {}, (OK,), ("announces no",)),
    Case("no Service", "cilium-l2", ANNOUNCING, (OK,), ("no Service",)),
    Case(
        "a Service at risk",
        "cilium-l2",
        announced(service("gw", "shop"), service("gw", "plain")),
        (WARNING,),
        ("Service shop/gw", "kubectl -n shop label service gw source-ip-preservation=disabled"),
    ),
    Case(
        "of another class",
        "cilium-l2",
        announced(service("gw", "shop", loadBalancerClass="x/y")),
        (OK,),
    ),
    Case(
        "of its class, left alone",
        "cilium-l2",
        announced(service("gw", "shop", loadBalancerClass=L2_CLASS)),
        (OK,),
    ),
    Case(
        "of its class, on demand",
        "cilium-l2",
        announced(service("gw", "shop", loadBalancerClass=L2_CLASS)),
        (WARNING,),
        (),
        Options(cilium_l2=True),
    ),
    Case(
        "of its class, Local already",
        "cilium-l2",
        announced(service("gw", "shop", loadBalancerClass=L2_CLASS, externalTrafficPolicy="Local")),
        (WARNING,),
    ),
    Case("opted out", "cilium-l2", announced(OUT), (OK,)),
    Case("opted out, Local still", "cilium-l2", announced(OUT_BUT_LOCAL), (WARNING,)),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)
