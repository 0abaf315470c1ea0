"""The probe: what a Pod and a Service come back as, where it is tried, and what stops it."""

from typing import Any

import pytest

from tests.unit.doctor.cases import FAILED, OK, UNKNOWN, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    NAMESPACES,
    SIDECARS,
    Played,
    admitted,
    healthy,
    inspect,
    named,
    proxy,
)
from webhook.admission.options import Options, ServiceTrafficPolicy
from webhook.cluster import Forbidden
from webhook.doctor import probe
from webhook.doctor.dryrun import POD

Json = dict[str, Any]
KEY = "source-ip-preservation"
PODS, SERVICES = "POST /api/v1/namespaces/{}/pods", "POST /api/v1/namespaces/{}/services"
QUOTA = Forbidden("post: HTTP 403, exceeded quota: pods=0")


def pod(annotations: dict[str, str] | None, *containers: Json, init: bool = False) -> Json:
    """Make a Pod as it comes back."""
    place = "initContainers" if init else "containers"
    metadata = {} if annotations is None else {"annotations": annotations}
    return {"metadata": metadata, "spec": {place: list(containers)}}


def came(annotation: str | None, *containers: Json, injected: bool = True, **how: bool) -> Any:
    """Let the Pod of the opted-in namespace come back so."""
    annotations = {"sidecar.istio.io/status": "{}"} if injected else {}
    if annotation is not None:
        annotations["sidecar.istio.io/interceptionMode"] = annotation
    return {PODS.format("shop"): pod(annotations, *containers, **how)}


def namespaces(**labelled: dict[str, str]) -> dict[str, Any]:
    """Make namespaces, each with its labels."""
    found = [{"metadata": {"name": each, "labels": of}} for each, of in labelled.items()]
    return {NAMESPACES: found}


SHOP = {KEY: "enabled", "istio-injection": "enabled"}


@table(
    Case(
        "in force",
        "probe-pod",
        {},
        (OK,),
        ("in force", "interceptionMode: TPROXY", "env ISTIO_META_INTERCEPTION_MODE: TPROXY"),
    ),
    Case(
        "native sidecar",
        "probe-pod",
        came("TPROXY", proxy("TPROXY"), init=True),
        (OK,),
        ("in force",),
    ),
    Case(
        "no annotation",
        "probe-pod",
        {PODS.format("shop"): pod(None)},
        (FAILED,),
        ("interceptionMode: absent",),
    ),
    Case(
        "another mode",
        "probe-pod",
        came("REDIRECT", proxy("REDIRECT")),
        (FAILED,),
        ("interceptionMode: REDIRECT",),
    ),
    Case(
        "rendered before",
        "probe-pod",
        came("TPROXY", proxy("REDIRECT")),
        (FAILED,),
        ("rendered for another mode", "check order"),
    ),
    Case(
        "sidecar without its variable",
        "probe-pod",
        came("TPROXY", {"name": "istio-proxy", "env": [{"name": "X"}]}),
        (FAILED,),
        ("env ISTIO_META_INTERCEPTION_MODE: absent",),
    ),
    Case(
        "not injected",
        "probe-pod",
        came("TPROXY", {"name": "c"}, injected=False),
        (WARNING,),
        ("no sidecar",),
    ),
    Case(
        "not to be injected",
        "probe-pod",
        namespaces(shop={KEY: "enabled"}) | came("TPROXY", injected=False),
        (OK,),
        ("no label asks",),
    ),
    Case("nobody opted in", "probe-pod", namespaces(plain={}), (OK,), ("none was tried",)),
    Case("Services only", "probe-pod", namespaces(shop={KEY: "north-south"}), (OK,), ("none was",)),
    Case(
        "Pod Security",
        "probe-pod",
        namespaces(shop={**SHOP, "pod-security.kubernetes.io/enforce": "restricted"}),
        (OK,),
        ("none was tried",),
    ),
    Case(
        "refused",
        "probe-pod",
        {PODS.format("shop"): QUOTA},
        (UNKNOWN,),
        ("exceeded quota", "kubectl -n shop run source-ip-webhook-doctor"),
    ),
    Case("nonsense", "probe-pod", {PODS.format("shop"): {"spec": 7}}, (UNKNOWN,), ("no sense",)),
    Case("Local", "probe-service", {}, (OK,), ("externalTrafficPolicy: Local",)),
    Case(
        "not Local",
        "probe-service",
        {SERVICES.format("shop"): {"spec": {}}},
        (FAILED,),
        ("externalTrafficPolicy: absent",),
    ),
    Case(
        "nobody opted in",
        "probe-service",
        namespaces(shop={KEY: "east-west"}),
        (OK,),
        ("none was tried",),
    ),
    Case(
        "switched off",
        "probe-service",
        {},
        (OK,),
        ("none was tried",),
        Options(service_traffic_policy=ServiceTrafficPolicy.NEVER),
    ),
    Case("refused", "probe-service", {SERVICES.format("shop"): QUOTA}, (UNKNOWN,)),
    Case("as it was", "probe-plain", {}, (OK,), ("namespace plain", "Cluster")),
    Case("all opted in", "probe-plain", namespaces(shop=SHOP), (OK,), ("nothing can be tried",)),
    Case(
        "changed",
        "probe-plain",
        {
            PODS.format("plain"): pod({"sidecar.istio.io/interceptionMode": "TPROXY"}),
            SERVICES.format("plain"): {"spec": {"externalTrafficPolicy": "Local"}},
        },
        (FAILED, FAILED),
        ("a new Pod of namespace plain", "a new Service of namespace plain"),
    ),
    Case(
        "Istio's own mode",
        "probe-plain",
        {
            PODS.format("plain"): pod(
                {"sidecar.istio.io/interceptionMode": "TPROXY", "sidecar.istio.io/status": "{}"}
            )
        },
        (OK,),
    ),
    Case(
        "refused",
        "probe-plain",
        {PODS.format("plain"): QUOTA, SERVICES.format("plain"): QUOTA},
        (UNKNOWN, UNKNOWN),
    ),
    Case("one of two refused", "probe-plain", {PODS.format("plain"): QUOTA}, (UNKNOWN,)),
    Case(
        "one refused, one changed",
        "probe-plain",
        {
            PODS.format("plain"): QUOTA,
            SERVICES.format("plain"): {"spec": {"externalTrafficPolicy": "Local"}},
        },
        (UNKNOWN, FAILED),
    ),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)


def test_nothing_is_made() -> None:
    """Every creation is a dry run, of objects that every policy should let in."""
    inspection = inspect(healthy())
    client = inspection.client
    assert isinstance(client, Played)
    for check in probe.CHECKS:
        list(check.ask(inspection))
    assert [path for path, _, _ in client.sent] == [
        "/api/v1/namespaces/shop/pods",
        "/api/v1/namespaces/shop/services",
        "/api/v1/namespaces/plain/pods",
        "/api/v1/namespaces/plain/services",
    ]
    assert all(params == {"dryRun": "All"} for _, _, params in client.sent)


@pytest.mark.parametrize(
    ("labelled", "chosen"),
    [
        ({"a": {KEY: "enabled"}, "b": SHOP}, "b"),
        ({"kube-system": SHOP, "source-ip": SHOP, "c": {KEY: "east-west"}}, "c"),
    ],
)
def test_place_is_one_where_it_matters(labelled: dict[str, dict[str, str]], chosen: str) -> None:
    """Where Istio injects is tried first; in the cluster's own namespaces and ours nothing is."""
    inspection = inspect(healthy() | namespaces(**labelled))
    list(probe.probe_pod(inspection))
    client = inspection.client
    assert isinstance(client, Played)
    assert [path for path, _, _ in client.sent] == [f"/api/v1/namespaces/{chosen}/pods"]


def test_place_is_none_whose_pods_a_sidecar_leads_to_loopback() -> None:
    """The webhook leaves such Pods alone; policies, which read no Sidecars, do not."""
    ingress = [{"defaultEndpoint": "127.0.0.1:80"}]
    leading = named("s", "shop") | {"spec": {"ingress": ingress}}
    cluster = healthy() | {SIDECARS: [leading]}
    (verdict,) = probe.probe_pod(inspect(cluster))
    assert "none was tried" in verdict.sentence
    (verdict,) = probe.probe_pod(inspect(cluster | {CONFIGURATIONS: []}))
    assert "in force" in verdict.sentence
    (verdict,) = probe.probe_pod(inspect(cluster | {SIDECARS: QUOTA}))
    assert "in force" in verdict.sentence


def test_namespace_that_is_being_deleted_is_no_place() -> None:
    """Nothing can be created there, not even by dry run."""
    cluster = healthy() | namespaces(a=SHOP)
    cluster[NAMESPACES][0]["metadata"]["deletionTimestamp"] = "2031-02-03T04:05:06Z"
    (verdict,) = probe.probe_pod(inspect(cluster))
    assert "none was tried" in verdict.sentence


def test_plain_place_is_one_where_istio_changes_nothing() -> None:
    """Of several, one without injection is taken, and a half that has opted in is not plain."""
    labelled = {"a": {"istio-injection": "enabled"}, "b": {KEY: "north-south"}, "c": {}}
    inspection = inspect(healthy() | namespaces(**labelled) | {CONFIGURATIONS: []})
    (verdict,) = probe.probe_plain(inspection)
    assert "namespace c" in verdict.sentence


def test_played_admission_is_that_of_the_rules() -> None:
    """What these tests play for a cluster leaves a namespace alone that has not opted in."""
    assert admitted("/api/v1/namespaces/plain/pods", POD.manifest) == POD.manifest
