"""Whom the application sees, by what the object and its namespace say."""

from typing import Any

import pytest

from tests.reviews import Json, review
from tests.situations import (
    AMBIENT,
    CONFIG,
    ENABLED,
    INJECT,
    KEY,
    MANAGED,
    MODE,
    NODE_PORTS,
    PSA,
    STATUS,
    TEMPLATES,
    pod,
    service,
    written,
)
from webhook.admission.answer import receive
from webhook.admission.decision import Outcome, Sees
from webhook.admission.options import Options, ServiceTrafficPolicy
from webhook.admission.pods import PodReason

WAYPOINT = "istio.io/use-waypoint"
PORTS = "traffic.sidecar.istio.io/includeInboundPorts"
NOT_OPTED_IN: dict[str, str] = {}
AMBIENT_NAMESPACE = {AMBIENT: "ambient"}


@pytest.mark.parametrize("namespace", [ENABLED, NOT_OPTED_IN], ids=["opted in", "not opted in"])
@pytest.mark.parametrize(
    ("says", "made", "more", "sees"),
    [
        ("a pod of the host network", pod(hostNetwork=True), {}, "its client"),
        ("a pod that is not injected", pod({INJECT: "false"}), {}, "its client"),
        ("a gateway", pod({TEMPLATES: "gateway"}), {}, "its client"),
        ("the mode TPROXY", pod({MODE: "TPROXY"}), {}, "its client"),
        ("the mode REDIRECT", pod({MODE: "REDIRECT"}), {}, "127.0.0.6"),
        ("the mode NONE", pod({MODE: "NONE"}), {}, "its client"),
        ("no mode that there is", pod({MODE: "tproxy"}), {}, "-"),
        ("REDIRECT in the proxy config", pod({CONFIG: "interceptionMode: 0"}), {}, "127.0.0.6"),
        ("NONE in the proxy config", pod({CONFIG: "interceptionMode: NONE"}), {}, "its client"),
        ("a proxy config that is none", pod({CONFIG: "interceptionMode: x"}), {}, "-"),
        ("a proxy config that is not read", pod({CONFIG: "interceptionMode: ["}), {}, "-"),
        ("a sandbox", pod(runtimeClassName="gvisor"), {}, "127.0.0.6"),
        ("no port intercepted", pod({PORTS: ""}), {}, "its client"),
        ("an injected pod", pod({STATUS: "{}"}), {}, "127.0.0.6"),
        ("an injected pod with NONE", pod({STATUS: "{}", MODE: "NONE"}), {}, "its client"),
        ("Pod Security", pod(), {f"{PSA}enforce": "baseline"}, "127.0.0.6"),
        ("ambient", pod(), AMBIENT_NAMESPACE, "its client"),
        ("a waypoint", pod(), {**AMBIENT_NAMESPACE, WAYPOINT: "w"}, "its waypoint"),
        (
            "a waypoint of the pod's own",
            pod(labels={WAYPOINT: "w"}),
            AMBIENT_NAMESPACE,
            "its waypoint",
        ),
        (
            "a pod that wants no waypoint",
            pod(labels={WAYPOINT: "none"}),
            {**AMBIENT_NAMESPACE, WAYPOINT: "w"},
            "its client",
        ),
        (
            "a sidecar, to which no waypoint matters",
            pod({MODE: "NONE"}, {INJECT: "true"}),
            {**AMBIENT_NAMESPACE, WAYPOINT: "w"},
            "its client",
        ),
        ("a Service inside the cluster", service("ClusterIP", None), {}, "-"),
        ("a Service that is Local", service(policy="Local"), {}, "its client"),
        (
            "a Service that asks for Cluster",
            service(last_applied=written(externalTrafficPolicy="Cluster")),
            {},
            "a node's address",
        ),
        (
            "a load balancer past kube-proxy",
            service(annotations={"service.beta.kubernetes.io/backend-type": "eni"}),
            {},
            "its client",
        ),
        (
            "an east-west gateway",
            service(labels={MANAGED: "istio.io-eastwest-controller"}),
            {},
            "a node's address",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_object_tells(
    says: str, made: Json, more: dict[str, str], sees: str, namespace: dict[str, str]
) -> None:
    """What an object is like does not depend on whether its namespace asks for the setting."""
    del says
    assert _sees(made, namespace | more) == sees


@pytest.mark.parametrize(
    ("made", "namespace", "options", "sees"),
    [
        (pod(), ENABLED, Options(), "its client"),
        (pod(), None, Options(), "its client"),
        (pod(), NOT_OPTED_IN, Options(), "127.0.0.6"),
        (pod(labels={KEY: "disabled"}), ENABLED, Options(), "127.0.0.6"),
        (pod(), NOT_OPTED_IN, Options(require_injection_label=True), "its client"),
        (service(), ENABLED, Options(), "its client"),
        (service(), NOT_OPTED_IN, Options(), "a node's address"),
        (service("NodePort"), ENABLED, NODE_PORTS, "its client"),
        (service("NodePort"), NOT_OPTED_IN, NODE_PORTS, "a node's address"),
        (
            service(),
            ENABLED,
            Options(service_traffic_policy=ServiceTrafficPolicy.NEVER),
            "a node's address",
        ),
    ],
)
def test_the_setting_tells(
    made: Json, namespace: dict[str, str] | None, options: Options, sees: str
) -> None:
    """Where the setting would help, the application sees its client only if it gets it."""
    assert _sees(made, namespace, options) == sees


def test_other_kinds_tell_nothing() -> None:
    """Of a kind that we do not read nothing is said."""
    secret = review("Secret", {"metadata": {"name": "s"}})
    assert receive(secret).sees(ENABLED, Options()) == (Sees.NOTHING,)


def test_a_reason_cannot_forget_it() -> None:
    """A reason that does not say whom the application sees is an error at import."""
    words: tuple[Any, ...] = ("some-reason", Outcome.SKIPPED, "a sentence")
    with pytest.raises(TypeError, match="sees"):
        PodReason.__new_member__(PodReason, *words)  # type: ignore[attr-defined]


def _sees(made: Json, namespace: dict[str, str] | None, options: Options | None = None) -> str:
    """Ask whom the application behind a Pod or a Service sees."""
    kind = "Service" if "type" in made["spec"] else "Pod"
    return receive(review(kind, made)).sees(namespace, options or Options())[0]
