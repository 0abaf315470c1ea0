"""Istio's version and settings, istio-cni, and Sidecar resources."""

from typing import Any

from tests.unit.doctor.cases import FAILED, OK, UNKNOWN, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    LABELS,
    MESH,
    NAMESPACES,
    NODES,
    POLICIES,
    SIDECARS,
    configuration,
    daemon_set,
    injector,
    istiod,
    named,
)
from webhook.admission.options import Options
from webhook.cluster import NotFound

Json = dict[str, Any]
GONE = NotFound("get: HTTP 404, there is none")
POLICY = {"metadata": {"name": "x.pods", "labels": LABELS}}
OPENSHIFT = [{"metadata": {"name": "n", "labels": {"node.openshift.io/os_id": "rhcos"}}}]


def mesh(text: str | None) -> dict[str, Any]:
    """Make the mesh's settings."""
    return {MESH: {"metadata": {"name": "istio"}, "data": None if text is None else {"mesh": text}}}


def sidecar(namespace: str, endpoint: str = "127.0.0.1:80", **selector: str) -> Json:
    """Make a Sidecar that leads somewhere."""
    spec: Json = {"ingress": [{"defaultEndpoint": endpoint}]}
    if selector:
        spec["workloadSelector"] = {"labels": selector}
    return named(f"s-{namespace}", namespace) | {"spec": spec}


def images(*tags: str) -> dict[str, Any]:
    """Make control planes of these images."""
    return {DEPLOYMENTS: [istiod(tag) for tag in tags]}


def of_revision(revision: str) -> list[Json]:
    """Make an injector's configuration of a revision."""
    made = injector(f"istio-sidecar-injector-{revision}")
    made["metadata"]["labels"] = {"istio.io/rev": revision}
    return [configuration(), made]


REVISED = MESH + "-blue"
NONE = {"metadata": {}, "data": {"mesh": "defaultConfig: {interceptionMode: NONE}"}}
OF_MESH, OF_URL = injector(), injector()
OF_MESH["webhooks"][0]["clientConfig"]["service"]["namespace"] = "mesh"
OF_URL["webhooks"][0]["clientConfig"] = {"url": "https://istiod.example.org/inject"}
LABELLED = istiod("pilot@sha256:1.2")
LABELLED["metadata"]["labels"]["app.kubernetes.io/version"] = "1.24.3"
TWO = [
    {"metadata": {"name": each, "labels": {"source-ip-preservation": "enabled"}}}
    for each in ("a", "b")
]


@table(
    Case("new enough", "istio", {}, (OK,), ("istio/pilot:1.26.0",)),
    Case("too old", "istio", images("istio/pilot:1.11.4"), (FAILED,), ("Upgrade Istio",)),
    Case(
        "two revisions", "istio", images("a/pilot:1.30.1-distroless", "a/pilot:1.9"), (OK, FAILED)
    ),
    Case("digest", "istio", images("reg:5000/pilot:1.26@sha256:1.2"), (OK,)),
    Case(
        "no version",
        "istio",
        images("reg:5000/pilot@sha256:1.2", "pilot:latest"),
        (UNKNOWN, UNKNOWN),
    ),
    Case("version in a label", "istio", {DEPLOYMENTS: [LABELLED]}, (OK,)),
    Case(
        "no image",
        "istio",
        {DEPLOYMENTS: [named("istiod", "istio-system")]},
        (UNKNOWN,),
        ("absent",),
    ),
    Case("elsewhere", "istio", {DEPLOYMENTS: []}, (OK,), ("runs elsewhere",)),
    Case("nowhere", "istio", {DEPLOYMENTS: [], CONFIGURATIONS: []}, (FAILED,), ("not found",)),
    Case("OpenShift", "istio", {NODES: OPENSHIFT}, (WARNING,), ("SecurityContextConstraint",)),
    Case(
        "OpenShift, new", "istio", {NODES: OPENSHIFT, DEPLOYMENTS: [istiod("pilot:1.27.0")]}, (OK,)
    ),
    Case(
        "nftables",
        "istio",
        {DEPLOYMENTS: [istiod(NATIVE_NFTABLES="True")]},
        (WARNING,),
        ("nftables",),
    ),
    Case("no nftables", "istio", {DEPLOYMENTS: [istiod(NATIVE_NFTABLES="false", X="true")]}, (OK,)),
    Case("init containers", "interception", {}, (OK,), ("init container",)),
    Case(
        "istio-cni",
        "interception",
        {DAEMON_SETS: [daemon_set("istio-cni-node")]},
        (OK,),
        ("2 of 2 ready",),
    ),
    Case(
        "istio-cni of a vendor's revision",
        "interception",
        {DAEMON_SETS: [daemon_set("istio-cni-node-v2-6")]},
        (OK,),
        ("istio-cni redirects",),
    ),
    Case(
        "istio-cni not ready",
        "interception",
        {DAEMON_SETS: [daemon_set("istio-cni-node", "istio-system", ready=1)]},
        (WARNING,),
        ("kubectl -n istio-system rollout status daemonset/istio-cni-node",),
    ),
    Case("by default", "mesh-mode", {}, (OK,), ("unless their Pods choose TPROXY",)),
    Case("absent", "mesh-mode", {MESH: GONE}, (OK,), ("absent",)),
    Case(
        "absent",
        "inbound-traffic-policy",
        {MESH: GONE},
        (UNKNOWN,),
        ("absent", "has to be PASSTHROUGH", "inboundLocalhost=true"),
    ),
    Case(
        "absent, and LOCALHOST by flag",
        "inbound-traffic-policy",
        {MESH: GONE},
        (OK,),
        ("all Pods are left alone",),
        Options(inbound_localhost=True),
    ),
    Case("no YAML", "inbound-traffic-policy", mesh("{"), (UNKNOWN,)),
    Case(
        "in the injector's namespace",
        "mesh-mode",
        {CONFIGURATIONS: [configuration(), OF_MESH], MESH.replace("istio-system", "mesh"): NONE},
        (WARNING,),
        ("ConfigMap/istio of namespace mesh",),
    ),
    Case(
        "injector with a URL",
        "mesh-mode",
        {CONFIGURATIONS: [configuration(), OF_URL], MESH: NONE},
        (WARNING,),
        ("ConfigMap/istio of namespace istio-system",),
    ),
    Case("no data", "mesh-mode", mesh(None), (OK,)),
    Case("no YAML", "mesh-mode", mesh("{"), (OK,)),
    Case("no mapping", "mesh-mode", mesh("[1]"), (OK,)),
    Case("no mapping within", "mesh-mode", mesh("defaultConfig: 7"), (OK,)),
    Case(
        "TPROXY",
        "mesh-mode",
        mesh("defaultConfig: {interceptionMode: TPROXY}"),
        (OK,),
        ("whole mesh",),
    ),
    Case("NONE", "mesh-mode", mesh("defaultConfig: {interceptionMode: NONE}"), (WARNING,)),
    Case("no Istio", "mesh-mode", {CONFIGURATIONS: []}, (OK,), ("ConfigMap/istio of",)),
    Case(
        "of a revision",
        "mesh-mode",
        {
            CONFIGURATIONS: of_revision("blue"),
            REVISED: NONE,
        },
        (WARNING,),
        ("ConfigMap/istio-blue",),
    ),
    Case("passed through", "inbound-traffic-policy", {}, (OK,)),
    Case(
        "LOCALHOST",
        "inbound-traffic-policy",
        mesh("inboundTrafficPolicy: {mode: LOCALHOST}"),
        (FAILED,),
        ("helm upgrade x", "inboundLocalhost=true"),
    ),
    Case(
        "LOCALHOST, as told",
        "inbound-traffic-policy",
        mesh("inboundTrafficPolicy: {mode: LOCALHOST}"),
        (OK,),
        (),
        Options(inbound_localhost=True),
    ),
    Case(
        "told in vain",
        "inbound-traffic-policy",
        {},
        (WARNING,),
        ("inboundLocalhost=false",),
        Options(inbound_localhost=True),
    ),
    Case(
        "LOCALHOST, by policies",
        "inbound-traffic-policy",
        {CONFIGURATIONS: [], **mesh("inboundTrafficPolicy: {mode: LOCALHOST}")},
        (FAILED,),
        ("Apply the policies again",),
    ),
    Case("no Sidecars", "sidecars", {}, (OK,)),
    Case("kind unknown", "sidecars", {SIDECARS: GONE}, (OK,), ("no Sidecar resources",)),
    Case(
        "to loopback",
        "sidecars",
        {SIDECARS: [sidecar("shop", app="x")]},
        (WARNING,),
        ("Sidecar shop/s-shop", "kubectl -n shop edit sidecars.networking.istio.io s-shop"),
    ),
    Case(
        "ignored",
        "sidecars",
        {SIDECARS: [sidecar("shop")]},
        (FAILED,),
        (),
        Options(ignore_sidecars=True),
    ),
    Case(
        "unread by policies",
        "sidecars",
        {SIDECARS: [sidecar("shop")], CONFIGURATIONS: [], POLICIES: [POLICY]},
        (FAILED,),
        ("reads no Sidecars",),
    ),
    Case(
        "neither webhook nor policies",
        "sidecars",
        {SIDECARS: [sidecar("shop")], CONFIGURATIONS: []},
        (WARNING,),
    ),
    Case("not to loopback", "sidecars", {SIDECARS: [sidecar("shop", "0.0.0.0:80")]}, (OK,)),
    Case("of others", "sidecars", {SIDECARS: [sidecar("plain")]}, (OK,)),
    Case(
        "unreadable", "sidecars", {SIDECARS: [named("s", "shop") | {"spec": {"ingress": 7}}]}, (OK,)
    ),
    Case(
        "of the whole mesh",
        "sidecars",
        {
            NAMESPACES: TWO,
            SIDECARS: [sidecar("istio-system"), sidecar("a", "0.0.0.0:80"), sidecar("b", app="x")],
        },
        (WARNING, WARNING),
        ("Sidecar b/s-b", "Sidecar istio-system/s-istio-system", "Pods of b"),
    ),
    Case(
        "of the whole mesh, harmless",
        "sidecars",
        {SIDECARS: [sidecar("istio-system", "0.0.0.0:80")]},
        (OK,),
    ),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)
