"""Labels of namespaces: values, injection, Pod Security, ambient mode, and gateways."""

from typing import Any

import pytest

from tests.unit.doctor.cases import FAILED, OK, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    NAMESPACES,
    SERVICES,
    ask,
    configuration,
    healthy,
    injector,
    named,
    service,
)
from webhook.admission.options import Options

Json = dict[str, Any]
KEY = "source-ip-preservation"
SELECTOR = {"istio": "ingressgateway"}


def namespaces(**labelled: dict[str, str]) -> dict[str, Any]:
    """Make namespaces, each with its labels."""
    found = [{"metadata": {"name": each, "labels": of}} for each, of in labelled.items()]
    return {NAMESPACES: found}


def shop(**labels: str) -> dict[str, Any]:
    """Make a namespace that has opted in; ``__`` stands for ``/`` and ``_`` for ``-``."""
    spelled = {key.replace("__", "/").replace("_", "-"): value for key, value in labels.items()}
    return namespaces(shop={KEY: "enabled", **spelled})


def gateway(mode: str = "", *services: Json) -> dict[str, Any]:
    """Make a gateway's namespace beside one that has opted in."""
    made = services or (service("gw", "gw", selector=SELECTOR, externalTrafficPolicy="Cluster"),)
    labels = {KEY: mode} if mode else {}
    return namespaces(shop={KEY: "enabled"}, gw=labels) | {SERVICES: list(made)}


def labelled(name: str, key: str) -> Json:
    """Make a Service of a gateway with a label."""
    made = service(name, "gw", selector={"app": "x"})
    made["metadata"]["labels"] = {key: "x"}
    return made


REVISION = {"istio.io__rev": "blue"}
OF_BLUE = injector("istio-blue", **{"istio.io/rev": "blue"})
AUTOMATIC = injector()
AUTOMATIC["webhooks"][0]["namespaceSelector"] = {
    "matchExpressions": [{"key": "istio-injection", "operator": "DoesNotExist"}]
}
OF_OBJECTS = injector()
OF_OBJECTS["webhooks"][0] |= {
    "namespaceSelector": None,
    "objectSelector": {"matchLabels": {"sidecar.istio.io/inject": "true"}},
}
OPTED_OUT = service("gw", "gw", selector=SELECTOR)
OPTED_OUT["metadata"]["labels"] = {KEY: "disabled"}
ENI = service("gw", "gw", selector=SELECTOR, externalTrafficPolicy="Cluster")
ENI["metadata"]["annotations"] = {"service.beta.kubernetes.io/backend-type": "eni"}
EAST_WEST = labelled("ew", "topology.istio.io/network")
EAST_WEST["spec"]["selector"] = SELECTOR
ENFORCE = "pod_security.kubernetes.io__enforce"


@table(
    Case("all are good", "label-values", {}, (OK,), ("1 namespace has", "Namespace/shop")),
    Case("none", "label-values", namespaces(plain={}), (OK,), ("no namespace has opted in yet",)),
    Case(
        "several",
        "label-values",
        namespaces(a={KEY: "enabled"}, b={KEY: "east-west"}),
        (OK,),
        ("2 namespaces have",),
    ),
    Case(
        "a typo",
        "label-values",
        namespaces(shop={KEY: "enable"}, b={KEY: ""}),
        (FAILED, FAILED),
        (
            f"Namespace/shop .metadata.labels.{KEY}: enable",
            f"Namespace/b .metadata.labels.{KEY}: empty",
            f"kubectl label namespace shop {KEY}=enabled --overwrite",
        ),
    ),
    Case("one of the two", "injection-labels", {}, (OK,)),
    Case("injected by label", "injection", {}, (OK,)),
    Case(
        "disabled",
        "injection",
        shop(istio_injection="disabled"),
        (WARNING,),
        ("istio-injection: disabled", "shop istio-injection=enabled"),
    ),
    Case("no label", "injection", shop(), (WARNING,), ("istio-injection: absent",)),
    Case("kube-system", "injection", namespaces(**{"kube-system": {KEY: "enabled"}}), (OK,)),
    Case("Services only", "injection", namespaces(gw={KEY: "north-south"}), (OK,)),
    Case(
        "mesh that needs no label",
        "injection",
        shop() | {CONFIGURATIONS: [configuration(), AUTOMATIC]},
        (OK,),
    ),
    Case(
        "revision that is there",
        "injection",
        shop(**REVISION) | {CONFIGURATIONS: [configuration(), OF_BLUE]},
        (OK,),
    ),
    Case(
        "revision that is gone",
        "injection",
        shop(**REVISION),
        (WARNING,),
        ("istio.io/rev: blue", "shop istio-injection=enabled istio.io/rev- --overwrite"),
    ),
    Case(
        "nothing but revisions",
        "injection",
        shop(istio_injection="enabled") | {CONFIGURATIONS: [configuration(), OF_BLUE]},
        (WARNING,),
        ("shop istio.io/rev=blue istio-injection- --overwrite",),
    ),
    Case(
        "Pods by their labels only",
        "injection",
        {CONFIGURATIONS: [configuration(), OF_OBJECTS]},
        (WARNING,),
        ("see the check istio",),
    ),
    Case(
        "no injector",
        "injection",
        {CONFIGURATIONS: [configuration()]},
        (WARNING,),
        ("Install Istio's injector",),
    ),
    Case("nothing enforced", "pod-security", {}, (OK,)),
    Case(
        "enforced",
        "pod-security",
        shop(**{ENFORCE: "baseline"}),
        (WARNING,),
        ("pod-security.kubernetes.io/enforce: baseline", "enforce=privileged --overwrite"),
    ),
    Case("privileged", "pod-security", shop(**{ENFORCE: "privileged"}), (OK,)),
    Case(
        "ignored",
        "pod-security",
        shop(**{ENFORCE: "restricted"}),
        (OK,),
        ("ignored",),
        Options(ignore_pod_security=True),
    ),
    Case("not ambient", "ambient", {}, (OK,)),
    Case("no gateways", "gateways", {}, (OK,), ("0 ingress gateways",)),
    Case("nobody has opted in", "gateways", gateway() | namespaces(gw={}), (OK,), ("no gateway",)),
    Case(
        "gateway that was forgotten",
        "gateways",
        gateway(),
        (WARNING,),
        (
            f"kubectl label namespace gw {KEY}=north-south --overwrite",
            "Service/gw of namespace gw .spec.externalTrafficPolicy: Cluster",
        ),
    ),
    Case(
        "opted in for Pods only",
        "gateways",
        gateway("east-west"),
        (WARNING,),
        (f"gw {KEY}=enabled",),
    ),
    Case("opted in", "gateways", gateway("north-south"), (OK,), ("1 ingress gateways",)),
    Case(
        "of istiod's and Gateway API's",
        "gateways",
        gateway(
            "",
            labelled("a", "gateway.networking.k8s.io/gateway-name"),
            labelled("b", "gateway.istio.io/managed"),
        ),
        (WARNING,),
        ("Service/a", "Service/b", "externalTrafficPolicy: absent"),
    ),
    Case(
        "Local already",
        "gateways",
        gateway("", service("gw", "gw", selector=SELECTOR, externalTrafficPolicy="Local")),
        (OK,),
    ),
    Case(
        "reached without kube-proxy",
        "gateways",
        gateway("", ENI),
        (OK,),
        ("1 ingress gateways, none",),
    ),
    Case("declined", "gateways", gateway("disabled"), (OK,)),
    Case("opted out", "gateways", gateway("", OPTED_OUT), (OK,)),
    Case("east-west", "gateways", gateway("", EAST_WEST), (OK,), ("0 ingress",)),
    Case(
        "east-west, on demand",
        "gateways",
        gateway("", EAST_WEST),
        (WARNING,),
        (),
        Options(east_west_gateways=True),
    ),
    Case("no gateway at all", "gateways", gateway("", service("db", "gw")), (OK,)),
    Case(
        "of a namespace that is gone",
        "gateways",
        gateway("", service("gw", "gone", selector=SELECTOR)),
        (WARNING,),
    ),
    Case("none labelled", "system-namespaces", {}, (OK,)),
    Case(
        "labelled in vain",
        "system-namespaces",
        namespaces(**{"kube-system": {KEY: "enabled"}, "source-ip": {KEY: "east-west"}}),
        (WARNING, WARNING),
        (f"kubectl label namespace source-ip {KEY}-",),
    ),
    Case(
        "own namespace is any without a webhook",
        "system-namespaces",
        namespaces(**{"source-ip": {KEY: "enabled"}}) | {CONFIGURATIONS: []},
        (OK,),
    ),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)


@pytest.mark.parametrize(
    ("check", "labels", "words"),
    [
        ("injection-labels", {"istio-injection": "enabled", "istio.io/rev": "x"}, "rev: x"),
        ("ambient", {"istio.io/dataplane-mode": "ambient"}, "dataplane-mode: ambient"),
    ],
)
def test_labels_that_contradict_are_named(check: str, labels: dict[str, str], words: str) -> None:
    """Both labels of Istio's, and ambient mode, are warned of with a command that mends it."""
    (verdict,) = ask(check, healthy() | namespaces(shop={KEY: "enabled", **labels}))
    assert verdict.status is WARNING
    assert words in " ".join(verdict.evidence)
    assert verdict.cure.startswith("kubectl label namespace shop")


def test_names_are_enough() -> None:
    """A namespace without labels is read as one."""
    (verdict,) = ask(
        "label-values", healthy() | {NAMESPACES: [named("x") | {"metadata": {"name": "x"}}]}
    )
    assert verdict.status is OK
