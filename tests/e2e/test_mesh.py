"""Each Pod as Istio's real injector made it, with our decision before it, and without.

One table with a row for each Pod, and one test: that is why this module is long.
"""

from typing import Any

import pytest

from tests.e2e.conftest import Cluster
from tests.e2e.mesh import (
    NOT_INJECTED,
    REDIRECTED,
    REFUSED,
    TRANSPARENT,
    Fate,
    MeshPod,
    annotated,
    decision,
    fate,
)

pytestmark = pytest.mark.e2e

MODE = "sidecar.istio.io/interceptionMode"
INJECT = "sidecar.istio.io/inject"
CONFIG = "proxy.istio.io/config"
TEMPLATES = "inject.istio.io/templates"
PORTS = "traffic.sidecar.istio.io/includeInboundPorts"
AMBIENT = "istio.io/dataplane-mode"
PASSIVE = Fate("NONE", 1337)


def with_proxy(**more: Any) -> dict[str, Any]:
    """Make a spec that brings a container for its sidecar."""
    proxy = {"name": "istio-proxy", "image": "auto", **more}
    return {"containers": [{"name": "app", "image": "example.org/app"}, proxy]}


def context(**fields: Any) -> dict[str, Any]:
    """Make a spec whose own sidecar has a securityContext."""
    return with_proxy(securityContext=fields)


PODS = (
    MeshPod(says="a bare pod", expected=TRANSPARENT, reason="added"),
    MeshPod(
        says="other annotations",
        annotations={"example.org/team": "x"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="TPROXY by hand",
        annotations={MODE: "TPROXY"},
        expected=TRANSPARENT,
        plain=TRANSPARENT,
        reason="already-set",
    ),
    MeshPod(
        says="REDIRECT by hand",
        annotations={MODE: "REDIRECT"},
        expected=REDIRECTED,
        reason="explicit-mode",
    ),
    MeshPod(
        says="NONE by hand",
        annotations={MODE: "NONE"},
        expected=PASSIVE,
        plain=PASSIVE,
        reason="explicit-mode",
    ),
    MeshPod(
        says="a mode that Istio does not know",
        annotations={MODE: "tproxy"},
        expected=REFUSED,
        plain=REFUSED,
        reason="invalid-mode",
    ),
    MeshPod(
        says="an empty mode",
        annotations={MODE: ""},
        expected=REFUSED,
        plain=REFUSED,
        reason="invalid-mode",
    ),
    MeshPod(
        says="the host network",
        spec={"hostNetwork": True},
        expected=NOT_INJECTED,
        plain=NOT_INJECTED,
        reason="host-network",
    ),
    MeshPod(
        says="inject: false, a label",
        labels={INJECT: "false"},
        expected=NOT_INJECTED,
        plain=NOT_INJECTED,
        reason="injection-refused",
    ),
    MeshPod(
        says="inject: false, an annotation",
        annotations={INJECT: "false"},
        expected=NOT_INJECTED,
        plain=NOT_INJECTED,
        reason="injection-refused",
    ),
    MeshPod(
        says="inject: true, a label, over false, an annotation",
        labels={INJECT: "true"},
        annotations={INJECT: "false"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="inject: empty, a label, over false, an annotation",
        labels={INJECT: ""},
        annotations={INJECT: "false"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="a word for inject that means nothing",
        annotations={INJECT: "no"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="istio-injection: disabled, whatever the pod says",
        namespace={"istio-injection": "disabled"},
        labels={INJECT: "true"},
        expected=NOT_INJECTED,
        plain=NOT_INJECTED,
        reason="namespace-not-injected",
    ),
    MeshPod(
        says="a namespace without a label, a pod that asks",
        namespace={},
        labels={INJECT: "true"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="no sign of injection: the annotation does nothing",
        namespace={},
        expected=NOT_INJECTED,
        plain=NOT_INJECTED,
        reason="added",
    ),
    MeshPod(
        says="a revision of the namespace",
        namespace={"istio.io/rev": "default"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="a revision of the pod",
        namespace={},
        labels={"istio.io/rev": "default"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="the sidecar's template by name",
        annotations={TEMPLATES: "sidecar"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="the gateway's template",
        annotations={TEMPLATES: "gateway"},
        spec=with_proxy(),
        expected=REDIRECTED,
        reason="other-template",
    ),
    MeshPod(
        says="an ambient namespace",
        namespace={AMBIENT: "ambient"},
        expected=NOT_INJECTED,
        plain=NOT_INJECTED,
        reason="ambient",
    ),
    MeshPod(
        says="a sidecar in an ambient namespace",
        namespace={AMBIENT: "ambient"},
        labels={INJECT: "true"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="no inbound port captured",
        annotations={PORTS: ""},
        expected=REDIRECTED,
        reason="inbound-not-captured",
    ),
    MeshPod(
        says="one inbound port captured",
        annotations={PORTS: "8080"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="a proxy config without a mode",
        annotations={CONFIG: "concurrency: 2"},
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="a proxy config with TPROXY",
        annotations={CONFIG: "interceptionMode: TPROXY"},
        expected=TRANSPARENT,
        plain=TRANSPARENT,
        reason="added",
    ),
    *(
        MeshPod(
            says=f"a proxy config with {written}",
            annotations={CONFIG: written},
            expected=expected,
            plain=expected,
            reason="proxy-config-mode",
        )
        for written, expected in (
            ("interceptionMode: REDIRECT", REDIRECTED),
            ("interception_mode: REDIRECT", REDIRECTED),
            ('{"interceptionMode": "REDIRECT"}', REDIRECTED),
            ("interceptionMode: 0", REDIRECTED),
            ("interceptionMode: NONE", PASSIVE),
            ("interceptionMode: 2", PASSIVE),
            ("proxyMetadata: {A: &mode REDIRECT}\ninterceptionMode: *mode", REDIRECTED),
            ("<<: {interceptionMode: NONE}", PASSIVE),
            ("interceptionMode: REDIRECT\n---\nanything", REDIRECTED),
        )
    ),
    *(
        MeshPod(
            says=f"a proxy config of {length} characters",
            annotations={CONFIG: "interceptionMode: REDIRECT\nproxyMetadata: {A: " + text + "}"},
            expected=REDIRECTED,
            plain=REDIRECTED,
            reason=reason,
        )
        for length, reason in ((9_000, "proxy-config-mode"), (40_000, "unread-proxy-config"))
        for text in ("x" * length,)
    ),
    MeshPod(
        says="a proxy config that is no YAML",
        annotations={CONFIG: "interceptionMode: ["},
        expected=REFUSED,
        plain=REFUSED,
        reason="unread-proxy-config",
    ),
    *(
        MeshPod(
            says=f"a proxy config with a number that we do not read: {written}",
            annotations={CONFIG: written},
            expected=TRANSPARENT,
            plain=TRANSPARENT,
            reason="unread-proxy-config",
        )
        for written in ("interceptionMode: 0x1", "interceptionMode: 1.0")
    ),
    *(
        MeshPod(
            says=f"a proxy config that is none: {written}",
            annotations={CONFIG: written},
            expected=REFUSED,
            plain=REFUSED,
            reason="invalid-proxy-config",
        )
        for written in ("interceptionMode: tproxy", "interceptionMode: ''", "interceptionMode: {}")
    ),
    MeshPod(
        says="a sidecar of the pod's own with resources only",
        spec=with_proxy(resources={"requests": {"cpu": "1"}}),
        expected=TRANSPARENT,
        reason="added",
    ),
    MeshPod(
        says="a sidecar of the pod's own that drops all capabilities",
        spec=context(capabilities={"drop": ["ALL"]}),
        expected=TRANSPARENT,
        reason="added",
    ),
    *(
        MeshPod(
            says=f"a sidecar of the pod's own with {fields}",
            spec=context(**fields),
            expected=expected,
            plain=expected,
            reason="proxy-security-context",
        )
        for fields, expected in (
            ({"runAsUser": 1234}, Fate("REDIRECT", 1234)),
            ({"runAsGroup": 4321}, REDIRECTED),
            ({"runAsNonRoot": True}, REDIRECTED),
            ({"capabilities": {"add": ["NET_RAW"]}}, Fate("REDIRECT", 1337, ("NET_RAW",))),
        )
    ),
    MeshPod(
        says="a virtual machine of KubeVirt",
        labels={"kubevirt.io": "virt-launcher"},
        expected=REDIRECTED,
        reason="kubevirt",
    ),
    MeshPod(
        says="a pod for Windows, whose sidecar the API server refuses",
        spec={"os": {"name": "windows"}},
        expected=REFUSED,
        plain=REFUSED,
        reason="windows",
    ),
    MeshPod(
        says="Pod Security that only warns",
        namespace={
            "istio-injection": "enabled",
            "pod-security.kubernetes.io/warn": "baseline",
        },
        expected=TRANSPARENT,
        reason="added",
    ),
)


@pytest.mark.usefixtures("istio")
@pytest.mark.parametrize("case", PODS, ids=lambda case: case.says)
def test_pod_is_injected_as_decided(cluster: Cluster, case: MeshPod) -> None:
    """Istio injects the Pod as our decision meant it, and as ever where the namespace is plain."""
    pod = case.create(cluster)

    assert fate(pod) == case.expected
    assert fate(case.create(cluster, opted_in=False)) == case.plain
    if pod is not None:
        assert decision(cluster, pod) == case.reason
        assert annotated(pod) == (case.reason in {"added", "already-set"})
