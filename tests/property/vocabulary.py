"""The words that Kubernetes, Istio and we ourselves give a meaning: what a blind guess never hits.

More words than the rules know of just now, so that a rule to come is tried from its first day.
"""

import json

from tests.situations import KEY, LAST_APPLIED, MODE, RECORDS, STATUS, packed

ANNOTATIONS = (
    MODE,
    STATUS,
    LAST_APPLIED,
    "configsync.gke.io/declared-fields",
    "objectset.rio.cattle.io/applied",
    "sidecar.istio.io/inject",
    "inject.istio.io/templates",
    "proxy.istio.io/config",
    "traffic.sidecar.istio.io/includeInboundPorts",
    "traffic.sidecar.istio.io/kubevirtInterfaces",
    "istio.io/reroute-virtual-interfaces",
    "ambient.istio.io/redirection",
    "kubernetes.io/config.mirror",
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id",
    "service.beta.kubernetes.io/backend-type",
    "service.beta.kubernetes.io/azure-pls-proxy-protocol",
    "metallb.io/allow-shared-ip",
    "lbipam.cilium.io/sharing-key",
    "a/b~c",
    MODE.upper(),
)
"""Keys of annotations."""

LABELS = (
    KEY,
    "sidecar.istio.io/inject",
    "istio-injection",
    "istio.io/rev",
    "istio.io/dataplane-mode",
    "istio.io/gateway-name",
    "gateway.istio.io/managed",
    "gateway.networking.k8s.io/gateway-name",
    "topology.istio.io/network",
    "kubevirt.io",
    "kubernetes.io/metadata.name",
    "pod-security.kubernetes.io/enforce",
    "pod-security.kubernetes.io/warn",
    "pod-security.kubernetes.io/audit",
)
"""Keys of labels, of objects and of namespaces."""

MODES = ("TPROXY", "REDIRECT", "NONE", "tproxy", "")
"""Values of the annotation that we set."""

WORDS = (
    *MODES,
    *(" ", "true", "false", "True", "enabled", "disabled", "default", "canary"),
    *("TPROXY ", "0", "1", "2", "*", "80,443"),
    *("east-west", "north-south", "ambient", "none", "virt-launcher", "eni", "ecs"),
    "io.cilium/l2-announcer",
    *("privileged", "baseline", "restricted", "kube-system", "istio-system"),
    *("sidecar", "gateway", "sidecar,custom", " sidecar , x", "grpc-agent", "waypoint"),
    *("istio.io-gateway-controller", "istio.io-mesh-controller", "istio.io-eastwest-controller"),
)
"""Values that mean something somewhere."""

DOCUMENTS = (
    *("{}", "null", "[]", "[", "{", '"', "interceptionMode", "\x00", "\ufeff{}", "- - - -", "%"),
    *("interceptionMode: TPROXY", "interceptionMode: REDIRECT\n", "interceptionMode: [NONE]"),
    *("interception_mode: 2", "interceptionMode: 1", "{interceptionMode: tproxy}", "!!python/x"),
    *('{"interceptionMode":"NONE"}', '{"interceptionMode":"TPROXY"}', '{"interceptionMode":{}}'),
    *("a: &a [*a, *a]", "a: &a {x: 1}\nb: {<<: *a}", "a:\n\t- b", "--- a\n--- b", "? ? ? ?"),
    *("[" * 2000, "{a: " * 2000, "- " * 2000, "interceptionMode: |\n  REDIRECT", "# x\n"),
    *(packed("{}"), packed(RECORDS[0]), packed(RECORDS[0])[:40], "H4sIAAAA", "\u00fc"),
    *('{"f:spec":{"f:externalTrafficPolicy":{}}}', '{"f:spec":null}', '{"f:spec":[]}'),
    *('{"spec":null}', '{"spec":{"type":1}}', '{"spec":' * 2000, '{"spec":{"externalTrafficPolicy'),
    *(
        json.dumps({"kind": "Service", "spec": {"type": "LoadBalancer", **policy}})
        for policy in (
            {},
            {"externalTrafficPolicy": "Cluster"},
            {"externalTrafficPolicy": "Local"},
            {"externalTrafficPolicy": None},
            {"externalTrafficPolicy": ["Cluster"]},
        )
    ),
)
"""Values that something reads as YAML or JSON, whole and broken."""
