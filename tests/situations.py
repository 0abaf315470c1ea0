"""The table of situations: an object, its namespace, and the reason that is right for it.

One table for everything that decides, so that no two of them can come to differ.
"""

import base64
import dataclasses
import gzip
import json
from typing import Any

from tests.reviews import Json, review
from webhook.admission.answer import receive
from webhook.admission.decision import Outcome
from webhook.admission.options import Options, ServiceTrafficPolicy
from webhook.admission.registry import REASONS
from webhook.admission.sidecars import Sidecar, Sidecars

KEY = "source-ip-preservation"
ENABLED = {KEY: "enabled"}
MODE = "sidecar.istio.io/interceptionMode"
STATUS = "sidecar.istio.io/status"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Situation:
    """One row of the table."""

    says: str
    kind: str
    group: str = ""
    object: Json
    reason: str
    """The reason's word, as users read it."""
    namespace: dict[str, str] | None = dataclasses.field(default_factory=lambda: ENABLED)
    operation: str = "CREATE"
    old: Json | None = None
    options: Options = dataclasses.field(default_factory=Options)
    more: Json = dataclasses.field(default_factory=dict)
    """Members of the request that differ."""
    sidecars: tuple[Json, ...] = ()
    """Manifests of the mesh's Sidecars."""
    sets: str = ""
    """The member whose mutation the reason is of; empty for the first mutation of the kind."""

    @property
    def place(self) -> int:
        """Where the decision that the row is about stands among those upon its review."""
        members = [mutation.member[-1] for mutation in receive(self.review()).mutations]
        return members.index(self.sets) if self.sets else 0

    @property
    def outcome(self) -> Outcome:
        """The outcome that the reason leads to."""
        return REASONS[self.reason].outcome

    def review(self) -> bytes:
        """Make the review that the API server would send."""
        return review(
            self.kind,
            self.object,
            group=self.group,
            operation=self.operation,
            old=self.old,
            **self.more,
        )

    def known_sidecars(self) -> Sidecars:
        """Make what the server knows of the Sidecars."""
        read = (
            Sidecar.of(
                manifest["metadata"]["namespace"],
                manifest["metadata"]["name"],
                manifest["metadata"].get("creationTimestamp"),
                manifest["spec"],
            )
            for manifest in self.sidecars
        )
        return Sidecars(each for each in read if each is not None)


def pod(
    annotations: dict[str, str] | None = None, labels: dict[str, str] | None = None, **spec: Any
) -> Json:
    """Make a Pod."""
    metadata: Json = {"generateName": "web-", "namespace": "shop"}
    if labels is not None:
        metadata["labels"] = labels
    if annotations is not None:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "x"}], **spec}}


def service(
    type_: str = "LoadBalancer",
    policy: str | None = "Cluster",
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    last_applied: str | None = None,
    managed_fields: list[Json] | None = None,
) -> Json:
    """Make a Service as it arrives: with the policy that the API server has filled in."""
    metadata: Json = {"name": "gw", "namespace": "shop"}
    if labels is not None:
        metadata["labels"] = labels
    if annotations is not None:
        metadata["annotations"] = annotations
    if last_applied is not None:
        metadata["annotations"] = {LAST_APPLIED: last_applied}
    if managed_fields is not None:
        metadata["managedFields"] = managed_fields
    spec: Json = {"type": type_, "ports": [{"port": 80}], "selector": {"app": "gw"}}
    if policy is not None:
        spec["externalTrafficPolicy"] = policy
    return {"metadata": metadata, "spec": spec}


def managed(operation: str, *fields: str) -> list[Json]:
    """Make managed fields of one manager that names these fields of the spec."""
    spec: Json = {f"f:{field}": {} for field in fields}
    return [{"manager": "someone", "operation": operation, "fieldsV1": {"f:spec": spec}}]


def written(**spec: Any) -> str:
    """Make the annotation of client-side apply for a manifest with this spec."""
    return json.dumps({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [], **spec}})


def sidecar(
    name: str = "default",
    *endpoints: str,
    namespace: str = "shop",
    created: str | None = None,
    selector: dict[str, str] | None = None,
    capture: str | None = None,
) -> Json:
    """Make a Sidecar with an ingress listener for each endpoint."""
    metadata: Json = {"name": name, "namespace": namespace}
    if created is not None:
        metadata["creationTimestamp"] = created
    mode = {} if capture is None else {"captureMode": capture}
    ingress = [
        {
            "port": {"number": port, "protocol": "HTTP", "name": "http"},
            "defaultEndpoint": to,
            **mode,
        }
        for port, to in enumerate(endpoints, start=9080)
    ]
    spec: Json = {"ingress": ingress} if ingress else {"egress": [{"hosts": ["./*"]}]}
    if selector is not None:
        spec["workloadSelector"] = {"labels": selector}
    kind = {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar"}
    return {**kind, "metadata": metadata, "spec": spec}


POLICY = "externalTrafficPolicy"
LOOPBACK = "127.0.0.1:8080"


def packed(manifest: str) -> str:
    """Pack a manifest as Rancher does: gzip, in base64 without padding."""
    return base64.b64encode(gzip.compress(manifest.encode(), mtime=0)).decode().rstrip("=")


def _pod(says: str, reason: str, made: Json | None = None, **columns: Any) -> Situation:
    """Write a row about a Pod."""
    return Situation(says=says, kind="Pod", object=made or pod(), reason=reason, **columns)


def _service(says: str, reason: str, made: Json | None = None, **columns: Any) -> Situation:
    """Write a row about a Service."""
    return Situation(says=says, kind="Service", object=made or service(), reason=reason, **columns)


def _with_proxy(place: str = "containers", **security_context: Any) -> Json:
    """Make a Pod that brings a container for its sidecar."""
    proxy = {"name": "istio-proxy", "securityContext": security_context}
    made = pod()
    made["spec"][place] = [{"name": "c"}, proxy]
    return made


def of_spec(type_: str = "LoadBalancer", **spec: Any) -> Json:
    """Make a Service with further fields of its spec."""
    made = service(type_, "Cluster" if type_ == "LoadBalancer" else None)
    return {**made, "spec": {**made["spec"], **spec}}


def owned() -> Json:
    """Make a Service that a controller owns."""
    made = service()
    owner = {"apiVersion": "example.org/v1", "kind": "Broker", "name": "b", "controller": True}
    return {**made, "metadata": {**made["metadata"], "ownerReferences": [owner]}}


INJECT = "sidecar.istio.io/inject"
TEMPLATES = "inject.istio.io/templates"
AMBIENT = "istio.io/dataplane-mode"
CONFIG = "proxy.istio.io/config"
MANAGED = "gateway.istio.io/managed"
PSA = "pod-security.kubernetes.io/"

AZURE_PLS = "service.beta.kubernetes.io/azure-pls-proxy-protocol"
SHARING_KEYS = (
    "metallb.io/allow-shared-ip",
    "metallb.universe.tf/allow-shared-ip",
    "lbipam.cilium.io/sharing-key",
    "io.cilium/lb-ipam-sharing-key",
    "purelb.io/allow-shared-ip",
)
INTERFACES = "istio.io/reroute-virtual-interfaces"
REDIRECTING = "interceptionMode: REDIRECT\nbinaryPath: "

NODE_PORTS = Options(node_ports=True)

OBJECTSET = "objectset.rio.cattle.io/applied"
RECORDS = (
    written(externalTrafficPolicy="Cluster", note="x" * 9),
    written(externalTrafficPolicy="Local", note="x" * 9),
    written(note="x" * 9),
)
"""Manifests as tools keep them: with Cluster, with Local, and without a policy."""

SITUATIONS = (
    # Pods
    Situation(says="a bare pod", kind="Pod", object=pod(), reason="added"),
    Situation(
        says="a pod with other annotations",
        kind="Pod",
        object=pod({"a/b": "c"}),
        reason="added",
    ),
    Situation(
        says="a pod with an empty map of annotations",
        kind="Pod",
        object=pod({}),
        reason="added",
    ),
    Situation(
        says="a namespace that asks for pods only",
        kind="Pod",
        object=pod(),
        namespace={KEY: "east-west"},
        reason="added",
    ),
    Situation(
        says="a namespace that nobody can tell the labels of: the selector is trusted",
        kind="Pod",
        object=pod(),
        namespace=None,
        reason="added",
    ),
    Situation(says="a dry run", kind="Pod", object=pod(), more={"dryRun": True}, reason="added"),
    Situation(
        says="a pod in a namespace that asks for Services only",
        kind="Pod",
        object=pod(),
        namespace={KEY: "north-south"},
        reason="namespace-not-opted-in",
    ),
    Situation(
        says="a pod in a namespace that says disabled",
        kind="Pod",
        object=pod(),
        namespace={KEY: "disabled"},
        reason="namespace-not-opted-in",
    ),
    Situation(
        says="a pod in a namespace without the label",
        kind="Pod",
        object=pod(),
        namespace={"istio-injection": "enabled"},
        reason="namespace-not-opted-in",
    ),
    Situation(
        says="a pod in a namespace with a typo in the label's value",
        kind="Pod",
        object=pod(),
        namespace={KEY: "Enabled"},
        reason="namespace-not-opted-in",
    ),
    Situation(
        says="a pod that opts out",
        kind="Pod",
        object=pod(labels={KEY: "disabled"}),
        reason="opted-out",
    ),
    Situation(
        says="a pod whose label says anything but disabled",
        kind="Pod",
        object=pod(labels={KEY: "enabled"}),
        reason="added",
    ),
    Situation(
        says="a pod whose opt-out label is mistyped",
        kind="Pod",
        object=pod(labels={KEY: "Disabled"}),
        reason="added",
    ),
    Situation(
        says="a pod that opts out in a namespace that nobody can tell the labels of",
        kind="Pod",
        object=pod(labels={KEY: "disabled"}),
        namespace=None,
        reason="opted-out",
    ),
    Situation(
        says="an injected pod",
        kind="Pod",
        object=pod({STATUS: "{}"}),
        reason="already-injected",
    ),
    Situation(
        says="an injected pod that has the mode",
        kind="Pod",
        object=pod({STATUS: "{}", MODE: "TPROXY"}),
        reason="already-set",
    ),
    Situation(
        says="an injected pod with the mode that istio-cni wrote back",
        kind="Pod",
        object=pod({STATUS: "{}", MODE: "REDIRECT"}),
        reason="already-injected",
    ),
    Situation(
        says="a pod of the host network",
        kind="Pod",
        object=pod(hostNetwork=True),
        reason="host-network",
    ),
    Situation(
        says="a pod that says it is not of the host network",
        kind="Pod",
        object=pod(hostNetwork=False),
        reason="added",
    ),
    Situation(
        says="a pod that has the mode",
        kind="Pod",
        object=pod({MODE: "TPROXY"}),
        reason="already-set",
    ),
    Situation(
        says="a pod that asks for REDIRECT",
        kind="Pod",
        object=pod({MODE: "REDIRECT"}),
        reason="explicit-mode",
    ),
    Situation(
        says="a pod that asks for NONE",
        kind="Pod",
        object=pod({MODE: "NONE"}),
        reason="explicit-mode",
    ),
    Situation(
        says="a pod with the mode in small letters",
        kind="Pod",
        object=pod({MODE: "tproxy"}),
        reason="invalid-mode",
    ),
    Situation(
        says="a pod with an empty mode",
        kind="Pod",
        object=pod({MODE: ""}),
        reason="invalid-mode",
    ),
    Situation(
        says="an update of a pod, which is too late",
        kind="Pod",
        object=pod(),
        old=pod(),
        operation="UPDATE",
        reason="unsupported-operation",
    ),
    Situation(
        says="a subresource of a pod",
        kind="Pod",
        object=pod(),
        more={"subResource": "ephemeralcontainers"},
        reason="unsupported-operation",
    ),
    # Services
    Situation(
        says="a load balancer with the policy by default",
        kind="Service",
        object=service(),
        reason="added",
    ),
    Situation(
        says="a namespace that asks for Services only",
        kind="Service",
        object=service(),
        namespace={KEY: "north-south"},
        reason="added",
    ),
    Situation(
        says="a load balancer in a namespace that asks for pods only",
        kind="Service",
        object=service(),
        namespace={KEY: "east-west"},
        reason="namespace-not-opted-in",
    ),
    Situation(
        says="a load balancer that opts out",
        kind="Service",
        object=service(labels={KEY: "disabled"}),
        reason="opted-out",
    ),
    Situation(
        says="a load balancer whose opt-out label is mistyped",
        kind="Service",
        object=service(labels={KEY: "x" * 63}),
        reason="added",
    ),
    Situation(
        says="a ClusterIP Service",
        kind="Service",
        object=service("ClusterIP", None),
        reason="not-load-balancer",
    ),
    Situation(
        says="a NodePort Service",
        kind="Service",
        object=service("NodePort"),
        reason="not-load-balancer",
    ),
    Situation(
        says="an ExternalName Service",
        kind="Service",
        object=service("ExternalName", None),
        reason="not-load-balancer",
    ),
    Situation(
        says="a load balancer that is Local already",
        kind="Service",
        object=service(policy="Local"),
        reason="already-set",
    ),
    Situation(
        says="a load balancer without a policy, as no API server sends it",
        kind="Service",
        object=service(policy=None),
        reason="added",
    ),
    *(
        Situation(
            says=f"a load balancer whose policy is {policy!r}",
            kind="Service",
            object=service(policy=policy),
            reason="invalid-policy",
        )
        for policy in ("cluster", "local", "Global", "OnlyLocal", "Local ", "Cl\u00fcster\n" * 99)
    ),
    Situation(
        says="a load balancer whose policy is empty, which the API takes for absent",
        kind="Service",
        object=service(policy=""),
        reason="added",
    ),
    Situation(
        says="a Service that becomes a load balancer, with a policy that there is not",
        kind="Service",
        object=service(policy="local"),
        old=service("ClusterIP", None),
        operation="UPDATE",
        reason="invalid-policy",
    ),
    Situation(
        says="a load balancer that names a health check port and no policy",
        kind="Service",
        object=of_spec(healthCheckNodePort=30123),
        reason="invalid-policy",
    ),
    Situation(
        says="a load balancer that is Local already, with a health check port",
        kind="Service",
        object=of_spec(healthCheckNodePort=30123, externalTrafficPolicy="Local"),
        reason="already-set",
    ),
    Situation(
        says="Cluster written by client-side apply",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster")),
        reason="explicit-cluster",
    ),
    Situation(
        says="Cluster in a last-applied annotation that begins with white space",
        kind="Service",
        object=service(last_applied=f"\n {written(externalTrafficPolicy='Cluster')}"),
        reason="explicit-cluster",
    ),
    Situation(
        says="Cluster written by client-side apply, beside a type that is null",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster", type=None)),
        reason="explicit-cluster",
    ),
    *(
        Situation(
            says=f"{tool} tells of a manifest {what}",
            kind="Service",
            object=service(annotations={key: record}),
            reason=reason,
        )
        for tool, key, with_cluster, with_another, without in (
            ("KubeVela", "app.oam.dev/last-applied-configuration", *RECORDS),
            ("kapp", "kapp.k14s.io/original", *RECORDS),
            ("Config Sync", "configmanagement.gke.io/declared-config", *RECORDS),
            ("Rancher, packed,", OBJECTSET, *map(packed, RECORDS)),
            ("Rancher, as it is,", OBJECTSET, *RECORDS),
        )
        for what, record, reason in (
            ("with Cluster", with_cluster, "explicit-cluster"),
            ("with Local, which has been replaced since", with_another, "added"),
            ("without the field", without, "added"),
            ("that is cut off", with_cluster[:-9], "added"),
            ("that is none", "skip", "added"),
        )
    ),
    *(
        Situation(
            says=f"Config Sync tells of fields {what}",
            kind="Service",
            object=service(annotations={"configsync.gke.io/declared-fields": record}),
            reason=reason,
        )
        for what, record, reason in (
            ("with the policy", '{"f:spec":{"f:externalTrafficPolicy":{}}}', "explicit-cluster"),
            ("without it", '{"f:spec":{"f:type":{}}}', "added"),
            ("of metadata only", '{"f:metadata":{}}', "added"),
            ("that are none", "[", "added"),
        )
    ),
    *(
        Situation(
            says=f"Rancher's annotation with {what}",
            kind="Service",
            object=service(annotations={OBJECTSET: record}),
            reason="added",
        )
        for what, record in (
            ("something else in base64", "AAAA"),
            ("something that is no base64", "\u00fc"),
            (
                "a manifest that unpacks to 4 MiB",
                packed(" " * 2**22 + written(externalTrafficPolicy="Cluster")),
            ),
        )
    ),
    Situation(
        says="annotations of tools that keep no manifest",
        kind="Service",
        object=service(
            annotations={
                "argocd.argoproj.io/tracking-id": "a:/Service:shop/gw",
                "meta.helm.sh/release-name": "gw",
                "pulumi.com/patchForce": "true",
            }
        ),
        reason="added",
    ),
    Situation(
        says="client-side apply without the field",
        kind="Service",
        object=service(last_applied=written(), managed_fields=managed("Update", POLICY)),
        reason="added",
    ),
    Situation(
        says="client-side apply with the field set to null",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy=None)),
        reason="added",
    ),
    Situation(
        says="a last-applied annotation that is not JSON",
        kind="Service",
        object=service(last_applied="{"),
        reason="added",
    ),
    Situation(
        says="a last-applied annotation without a spec",
        kind="Service",
        object=service(last_applied="{}"),
        reason="added",
    ),
    Situation(
        says="Cluster written by server-side apply",
        kind="Service",
        object=service(managed_fields=managed("Apply", "type", POLICY)),
        reason="explicit-cluster",
    ),
    Situation(
        says="server-side apply without the field",
        kind="Service",
        object=service(managed_fields=managed("Apply", "type")),
        reason="added",
    ),
    Situation(
        says="managed fields that say nothing of the spec",
        kind="Service",
        object=service(
            managed_fields=[
                {"operation": "Apply"},
                {"operation": "Apply", "fieldsV1": {"f:metadata": {}}},
            ]
        ),
        reason="added",
    ),
    Situation(
        says="a plain create, which lists the field defaulted or not",
        kind="Service",
        object=service(managed_fields=managed("Update", "type", POLICY)),
        reason="added",
    ),
    Situation(
        says="a Service that becomes a load balancer",
        kind="Service",
        object=service(),
        old=service("ClusterIP", None),
        operation="UPDATE",
        reason="added",
    ),
    Situation(
        says="a Service that becomes a load balancer, with Cluster written",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster")),
        old=service("NodePort"),
        operation="UPDATE",
        reason="explicit-cluster",
    ),
    Situation(
        says="a load balancer that is set back to Cluster, by a person or by Helm 3",
        kind="Service",
        object=service(),
        old=service(policy="Local"),
        operation="UPDATE",
        reason="set-back-to-cluster",
    ),
    Situation(
        says="a load balancer that is set back to Cluster in a manifest that tells of it",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster")),
        old=service(policy="Local"),
        operation="UPDATE",
        reason="set-back-to-cluster",
    ),
    Situation(
        says="a load balancer that is set back to Cluster, its health check port still beside it",
        kind="Service",
        object=of_spec(healthCheckNodePort=30123),
        old=of_spec(healthCheckNodePort=30123, externalTrafficPolicy="Local"),
        operation="UPDATE",
        reason="set-back-to-cluster",
    ),
    Situation(
        says="a load balancer that loses Local where nothing is lost with it",
        kind="Service",
        object=service(annotations={"service.beta.kubernetes.io/backend-type": "eni"}),
        old=service(policy="Local"),
        operation="UPDATE",
        reason="eni-load-balancer",
    ),
    Situation(
        says="a load balancer that was Cluster and stays so",
        kind="Service",
        object=service(),
        old=service(),
        operation="UPDATE",
        reason="type-unchanged",
    ),
    Situation(
        says="a load balancer that a person makes Local",
        kind="Service",
        object=service(policy="Local"),
        old=service(),
        operation="UPDATE",
        reason="type-unchanged",
    ),
    Situation(
        says="a NodePort Service that is Local and becomes a load balancer without a policy",
        kind="Service",
        object=service(),
        old=service("NodePort", "Local"),
        operation="UPDATE",
        reason="added",
    ),
    Situation(
        says="an update of a ClusterIP Service",
        kind="Service",
        object=service("ClusterIP", None),
        old=service("ClusterIP", None),
        operation="UPDATE",
        reason="not-load-balancer",
    ),
    Situation(
        says="the status of a Service",
        kind="Service",
        object=service(),
        old=service(),
        operation="UPDATE",
        more={"subResource": "status"},
        reason="unsupported-operation",
    ),
    # Pods that Istio does not inject
    _pod("a mirror pod", "mirror-pod", pod({"kubernetes.io/config.mirror": "hash"})),
    *(
        _pod(f"a pod in {name}", "system-namespace", more={"namespace": name})
        for name in ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
    ),
    _pod(
        "a pod in istio-system, which Istio may inject", "added", more={"namespace": "istio-system"}
    ),
    _pod("inject: false as a label", "injection-refused", pod(labels={INJECT: "false"})),
    _pod("inject: false as an annotation", "injection-refused", pod({INJECT: "false"})),
    _pod(
        "inject: true as a label, which wins over false",
        "added",
        pod({INJECT: "false"}, {INJECT: "true"}),
    ),
    _pod(
        "inject: empty as a label, which wins as well",
        "added",
        pod({INJECT: "false"}, {INJECT: ""}),
    ),
    _pod(
        "inject: false as a label, which wins over true",
        "injection-refused",
        pod({INJECT: "true"}, {INJECT: "false"}),
    ),
    _pod("inject: no, which means nothing since 1.27", "added", pod({INJECT: "no"})),
    _pod(
        "istio-injection: disabled",
        "namespace-not-injected",
        namespace=ENABLED | {"istio-injection": "disabled"},
    ),
    _pod(
        "istio-injection: disabled, which a pod's label cannot undo",
        "namespace-not-injected",
        pod(labels={INJECT: "true"}),
        namespace=ENABLED | {"istio-injection": "disabled"},
    ),
    _pod(
        "istio-injection: anything",
        "namespace-not-injected",
        namespace=ENABLED | {"istio-injection": ""},
    ),
    _pod("istio-injection: enabled", "added", namespace=ENABLED | {"istio-injection": "enabled"}),
    _pod("the gateway template", "other-template", pod({TEMPLATES: "gateway"})),
    _pod("the gRPC agent's template", "other-template", pod({TEMPLATES: "grpc-agent"})),
    _pod("no template at all", "other-template", pod({TEMPLATES: ""})),
    _pod("the sidecar's template and another", "added", pod({TEMPLATES: "mine, sidecar"})),
    _pod("a template of the mesh's own", "other-template", pod({TEMPLATES: "mine"})),
    _pod(
        "a template of the mesh's own, made known",
        "added",
        pod({TEMPLATES: "mine"}),
        options=Options(sidecar_templates=frozenset({"sidecar", "mine"})),
    ),
    _pod(
        "a gateway that istiod manages",
        "gateway",
        pod(labels={MANAGED: "istio.io-gateway-controller"}),
    ),
    _pod(
        "a gateway of Gateway API",
        "gateway",
        pod(labels={"gateway.networking.k8s.io/gateway-name": "g"}),
    ),
    _pod(
        "a proxy written by hand",
        "gateway",
        pod(containers=[{"name": "p", "args": ["proxy", "router"]}]),
    ),
    _pod(
        "a container that only mentions routers",
        "added",
        pod(containers=[{"name": "p", "args": ["router"]}]),
    ),
    _pod("an ambient namespace", "ambient", namespace=ENABLED | {AMBIENT: "ambient"}),
    _pod("an ambient pod", "ambient", pod(labels={AMBIENT: "ambient"})),
    _pod(
        "a pod that leaves its ambient namespace",
        "added",
        pod(labels={AMBIENT: "none"}),
        namespace=ENABLED | {AMBIENT: "ambient"},
    ),
    _pod(
        "a pod that asks for a sidecar in an ambient namespace",
        "added",
        pod(labels={INJECT: "true"}),
        namespace=ENABLED | {AMBIENT: "ambient"},
    ),
    _pod(
        "an ambient namespace with sidecars",
        "added",
        namespace=ENABLED | {AMBIENT: "ambient", "istio.io/rev": "x"},
    ),
    _pod(
        "an ambient pod in a namespace that nobody knows",
        "ambient",
        pod(labels={AMBIENT: "ambient"}),
        namespace=None,
    ),
    _pod("a pod for Windows", "windows", pod(os={"name": "windows"})),
    _pod("a pod for Linux", "added", pod(os={"name": "linux"})),
    *(
        _pod(f"a pod for nodes of {os}, by {label}", reason, pod(nodeSelector={label: os}))
        for label in ("kubernetes.io/os", "beta.kubernetes.io/os")
        for os, reason in (("windows", "windows"), ("linux", "added"))
    ),
    *(
        _pod(f"a {what} that says hostProcess {host}", reason, made)
        for host, reason in ((True, "windows"), (False, "added"), (None, "added"))
        for options in ({"windowsOptions": {"hostProcess": host}},)
        for what, made in (
            ("pod", pod(securityContext=options)),
            ("container", pod(containers=[{"name": "c", "securityContext": options}])),
            ("init container", pod(initContainers=[{"name": "c", "securityContext": options}])),
        )
    ),
    _pod(
        "no sign of injection, where one is required",
        "not-injected",
        options=Options(require_injection_label=True),
    ),
    *(
        _pod(
            f"a sign of injection, where one is required: {sign}",
            "added",
            pod(labels=labels),
            namespace=ENABLED | namespace,
            options=Options(require_injection_label=True),
        )
        for sign, labels, namespace in (
            ("the namespace's label", {}, {"istio-injection": "enabled"}),
            ("the namespace's revision", {}, {"istio.io/rev": "canary"}),
            ("the pod's label", {INJECT: "true"}, {}),
            ("the pod's revision", {"istio.io/rev": "canary"}, {}),
        )
    ),
    _pod(
        "a namespace that nobody knows, where a sign is required",
        "added",
        namespace=None,
        options=Options(require_injection_label=True),
    ),
    # Pods whose sidecar is special
    _pod(
        "no inbound port intercepted",
        "inbound-not-captured",
        pod({"traffic.sidecar.istio.io/includeInboundPorts": ""}),
    ),
    _pod(
        "some inbound ports intercepted",
        "added",
        pod({"traffic.sidecar.istio.io/includeInboundPorts": "80"}),
    ),
    _pod("a virtual machine", "kubevirt", pod(labels={"kubevirt.io": "virt-launcher"})),
    _pod(
        "KubeVirt's interfaces",
        "kubevirt",
        pod({"traffic.sidecar.istio.io/kubevirtInterfaces": "k6t"}),
    ),
    _pod("docker-in-docker", "virtual-interfaces", pod({INTERFACES: "docker0"})),
    _pod(
        "a virtual machine with rerouted interfaces",
        "kubevirt",
        pod({INTERFACES: "k6t"}, {"kubevirt.io": "virt-launcher"}),
    ),
    _pod("a pod of gVisor", "sandboxed", pod(runtimeClassName="gvisor")),
    _pod(
        "a pod of gVisor with TPROXY by hand",
        "already-set",
        pod({MODE: "TPROXY"}, runtimeClassName="gvisor"),
    ),
    *(
        _pod(f"a pod of RuntimeClass {name!r}", "added", pod(runtimeClassName=name))
        for name in ("kata", "", None)
    ),
    _pod(
        "a pod of another sandbox, made known",
        "sandboxed",
        pod(runtimeClassName="tiny"),
        options=Options(sandboxed_runtime_classes=frozenset({"gvisor", "tiny"})),
    ),
    *(
        _pod(f"a proxy config that says {written!r}", reason, pod({CONFIG: written}))
        for written, reason in (
            ("concurrency: 2", "added"),
            ("interceptionMode: TPROXY", "added"),
            ("interceptionMode: 1", "added"),
            ("interceptionMode:", "added"),
            ('{"interception_mode": "TPROXY"}', "added"),
            ("# interception is not chosen here", "added"),
            ("interceptionMode: REDIRECT", "proxy-config-mode"),
            ("interception_mode: REDIRECT", "proxy-config-mode"),
            ('{"interceptionMode": "REDIRECT"}', "proxy-config-mode"),
            ("interceptionMode: 0", "proxy-config-mode"),
            ("interceptionMode: NONE", "proxy-config-mode"),
            ("interceptionMode: 2", "proxy-config-mode"),
            ("interceptionMode: tproxy", "invalid-proxy-config"),
            ("interceptionMode: 3", "unread-proxy-config"),
            ("interceptionMode: {}", "invalid-proxy-config"),
            ("interceptionMode: [", "unread-proxy-config"),
            ("- interceptionMode", "invalid-proxy-config"),
            ("interceptionMode", "invalid-proxy-config"),
            ("interceptionMode: 2026-13-45", "unread-proxy-config"),
            ("a: &a {interceptionMode: REDIRECT}\n<<: *a", "proxy-config-mode"),
            ("a: &a NONE\ninterceptionMode: *a", "proxy-config-mode"),
            ("a: &a TPROXY\ninterceptionMode: *a", "added"),
        )
    ),
    *(
        _pod(f"a proxy config of {length} characters", reason, pod({CONFIG: REDIRECTING + filler}))
        for length, reason in ((9_000, "proxy-config-mode"), (40_000, "unread-proxy-config"))
        for filler in ("x" * (length - len(REDIRECTING)),)
    ),
    *(
        _pod(f"a sidecar of the pod's own with {context}", reason, _with_proxy(**context))
        for context, reason in (
            ({}, "added"),
            ({"runAsUser": 0, "runAsGroup": 1337, "runAsNonRoot": False}, "added"),
            ({"runAsUser": 1337}, "added"),
            ({"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}, "added"),
            ({"capabilities": {"drop": ["ALL"]}}, "added"),
            ({"capabilities": {"add": ["ALL"]}}, "added"),
            ({"runAsUser": 1234}, "proxy-security-context"),
            ({"runAsGroup": 4321}, "proxy-security-context"),
            ({"runAsGroup": 0}, "proxy-security-context"),
            ({"runAsNonRoot": True}, "proxy-security-context"),
            ({"capabilities": {"add": ["NET_RAW"]}}, "proxy-security-context"),
            ({"capabilities": {"drop": ["NET_ADMIN"]}}, "proxy-security-context"),
        )
    ),
    _pod(
        "a native sidecar of the pod's own with runAsUser",
        "proxy-security-context",
        _with_proxy("initContainers", runAsUser=1234),
    ),
    _pod(
        "another container with runAsUser",
        "added",
        pod(containers=[{"name": "c", "securityContext": {"runAsUser": 1234}}]),
    ),
    *(
        _pod(
            f"Pod Security that enforces {level}",
            reason,
            namespace=ENABLED | {f"{PSA}enforce": level},
        )
        for level, reason in (
            ("privileged", "added"),
            ("baseline", "pod-security"),
            ("restricted", "pod-security"),
            ("Baseline", "pod-security"),
        )
    ),
    _pod(
        "Pod Security that is exempted from",
        "added",
        namespace=ENABLED | {f"{PSA}enforce": "restricted"},
        options=Options(ignore_pod_security=True),
    ),
    *(
        _pod(
            f"Pod Security that would {mode}",
            "added",
            namespace=ENABLED | {f"{PSA}{mode}": "baseline"},
        )
        for mode in ("warn", "audit")
    ),
    # Pods that the mesh calls over loopback
    *(
        _pod(f"a Sidecar that leads to {to!r}", reason, sidecars=(sidecar("s", to),))
        for to, reason in (
            (LOOPBACK, "loopback-ingress"),
            ("[::1]:8080", "loopback-ingress"),
            ("unix:///run/app.sock", "loopback-ingress"),
            ("0.0.0.0:8080", "added"),
            ("[::]:8080", "added"),
            (":8080", "added"),
            ("", "added"),
        )
    ),
    *(
        _pod(
            f"a Sidecar whose listener has the capture mode {capture}",
            reason,
            sidecars=(sidecar("s", LOOPBACK, capture=capture),),
        )
        for capture, reason in (("IPTABLES", "loopback-ingress"), ("NONE", "added"))
    ),
    *(
        _pod(f"{says}", reason, pod(labels={"app": "web", "tier": "1"}), sidecars=sidecars)
        for says, reason, sidecars in (
            ("one listener of two", "loopback-ingress", (sidecar("s", "", LOOPBACK),)),
            ("a Sidecar without ingress", "added", (sidecar(),)),
            ("no Sidecar of its namespace", "added", (sidecar("s", LOOPBACK, namespace="b"),)),
            (
                "a Sidecar that selects the pod",
                "loopback-ingress",
                (sidecar("s", LOOPBACK, selector={"app": "web"}),),
            ),
            (
                "a Sidecar that selects other pods",
                "added",
                (sidecar("s", LOOPBACK, selector={"app": "web", "tier": "2"}),),
            ),
            (
                "a Sidecar that selects the pod, before that of the namespace",
                "added",
                (
                    sidecar("a", LOOPBACK, created="2026-01-01T00:00:00Z"),
                    sidecar("b", created="2026-02-01T00:00:00Z", selector={"app": "web"}),
                ),
            ),
            (
                "the older of two Sidecars",
                "loopback-ingress",
                (
                    sidecar("a", created="2026-02-01T00:00:00Z"),
                    sidecar("b", LOOPBACK, created="2026-01-01T00:00:00Z"),
                ),
            ),
            (
                "of two Sidecars of one second the first by name",
                "added",
                (sidecar("b", LOOPBACK), sidecar("a")),
            ),
            (
                "the Sidecar of the root namespace",
                "loopback-ingress",
                (sidecar("s", LOOPBACK, namespace="istio-system"),),
            ),
            (
                "a Sidecar of the root namespace for pods of its own",
                "added",
                (sidecar("s", LOOPBACK, namespace="istio-system", selector={"app": "web"}),),
            ),
            (
                "the namespace's own Sidecar, before that of the root namespace",
                "added",
                (sidecar("s", LOOPBACK, namespace="istio-system"), sidecar()),
            ),
        )
    ),
    _pod(
        "the Sidecar of another root namespace",
        "loopback-ingress",
        sidecars=(sidecar("s", LOOPBACK, namespace="mesh"),),
        options=Options(root_namespace="mesh"),
    ),
    _pod(
        "a Sidecar, where none is read",
        "added",
        sidecars=(sidecar("s", LOOPBACK),),
        options=Options(ignore_sidecars=True),
    ),
    _pod(
        "TPROXY by hand, whatever the Sidecar says",
        "already-set",
        pod({MODE: "TPROXY"}),
        sidecars=(sidecar("s", LOOPBACK),),
    ),
    _pod(
        "a mesh that sends all inbound connections to loopback",
        "inbound-localhost",
        options=Options(inbound_localhost=True),
    ),
    # Services of gateways, and the admin's choices
    _service(
        "a gateway that Helm makes",
        "added",
        service(labels={"istio": "ingressgateway", "app.kubernetes.io/managed-by": "Helm"}),
    ),
    _service(
        "a gateway that istiod makes by server-side apply",
        "added",
        service(
            labels={MANAGED: "istio.io-gateway-controller"},
            managed_fields=managed("Apply", "type", "ports", "ipFamilyPolicy"),
        ),
    ),
    _service(
        "a gateway whose overlay asks for Cluster",
        "explicit-cluster",
        service(
            labels={MANAGED: "istio.io-gateway-controller"},
            managed_fields=managed("Apply", "type", POLICY),
        ),
    ),
    _service("a waypoint", "waypoint", service(labels={MANAGED: "istio.io-mesh-controller"})),
    _service(
        "an east-west gateway that istiod makes",
        "east-west-gateway",
        service(labels={MANAGED: "istio.io-eastwest-controller"}),
    ),
    _service(
        "an east-west gateway that Helm makes",
        "east-west-gateway",
        service(labels={"topology.istio.io/network": "n1"}),
    ),
    _service(
        "an east-west gateway, where they are wanted",
        "added",
        service(labels={"topology.istio.io/network": "n1"}),
        options=Options(east_west_gateways=True),
    ),
    *(
        _service(
            f"a load balancer of type {backend} on Alibaba Cloud, policy {choice}",
            reason,
            service(annotations={"service.beta.kubernetes.io/backend-type": backend}),
            options=Options(service_traffic_policy=choice),
        )
        for backend, choice, reason in (
            ("eni", ServiceTrafficPolicy.AUTO, "eni-load-balancer"),
            ("ecs", ServiceTrafficPolicy.AUTO, "added"),
            ("eni", ServiceTrafficPolicy.ALWAYS, "added"),
            ("eni", ServiceTrafficPolicy.NEVER, "services-off"),
        )
    ),
    _service(
        "any load balancer, where Services are left alone",
        "services-off",
        options=Options(service_traffic_policy=ServiceTrafficPolicy.NEVER),
    ),
    _service(
        "a NodePort Service, where they are wanted",
        "added",
        service("NodePort"),
        options=NODE_PORTS,
    ),
    _service(
        "a ClusterIP Service, where NodePort is wanted",
        "not-load-balancer",
        service("ClusterIP", None),
        options=NODE_PORTS,
    ),
    _service(
        "a Service that becomes a NodePort one, where they are wanted",
        "added",
        service("NodePort"),
        old=service("ClusterIP", None),
        operation="UPDATE",
        options=NODE_PORTS,
    ),
    _service(
        "a NodePort Service that stays one, where they are wanted",
        "type-unchanged",
        service("NodePort"),
        old=service("NodePort"),
        operation="UPDATE",
        options=NODE_PORTS,
    ),
    # Load balancers on which Local does harm
    *(
        situation
        for reason, choice, cases in (
            (
                "no-selector",
                Options(services_without_selector=True),
                (
                    ("no selector", of_spec(selector=None)),
                    ("an empty selector", of_spec(selector={})),
                ),
            ),
            (
                "shared-address",
                Options(shared_addresses=True),
                tuple((key, service(annotations={key: "shared"})) for key in SHARING_KEYS),
            ),
            (
                "cilium-l2",
                Options(cilium_l2=True),
                (("Cilium's L2 announcer", of_spec(loadBalancerClass="io.cilium/l2-announcer")),),
            ),
            (
                "azure-pls-proxy-protocol",
                Options(azure_pls_proxy_protocol=True),
                tuple(
                    (f"Azure's PROXY protocol, {said}", service(annotations={AZURE_PLS: said}))
                    for said in ("true", "True")
                ),
            ),
        )
        for what, made in cases
        for situation in (
            _service(f"a load balancer with {what}", reason, made),
            _service(f"a load balancer with {what}, wanted", "added", made, options=choice),
            _service(
                f"a load balancer with {what}, whose author wrote Local",
                "already-set",
                {**made, "spec": {**made["spec"], "externalTrafficPolicy": "Local"}},
            ),
        )
    ),
    _service(
        "no selector, and Cluster written",
        "no-selector",
        {
            **of_spec(selector=None),
            "metadata": service(last_applied=written(externalTrafficPolicy="Cluster"))["metadata"],
        },
    ),
    _service(
        "a NodePort Service without selector, where they are wanted",
        "no-selector",
        {**service("NodePort"), "spec": {"type": "NodePort", "externalTrafficPolicy": "Cluster"}},
        options=NODE_PORTS,
    ),
    _service("a sharing key that is empty", "added", service(annotations={SHARING_KEYS[0]: ""})),
    _service("Azure's PROXY protocol, off", "added", service(annotations={AZURE_PLS: "false"})),
    _service(
        "Cilium's announcer by BGP",
        "added",
        of_spec(loadBalancerClass="io.cilium/bgp-control-plane"),
    ),
    *(
        _service(f"a load balancer with {what}", "added", of_spec(**spec))
        for what, spec in (
            ("no node ports", {"allocateLoadBalancerNodePorts": False}),
            ("a class", {"loadBalancerClass": "example.org/lb"}),
            ("external addresses", {"externalIPs": ["192.0.2.1"]}),
            ("two families", {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]}),
        )
    ),
    _service("a headless Service", "not-load-balancer", of_spec("ClusterIP", clusterIP="None")),
    _service(
        "a ClusterIP Service with external addresses",
        "not-load-balancer",
        of_spec("ClusterIP", externalIPs=["192.0.2.1"], externalTrafficPolicy="Cluster"),
    ),
    _service("a load balancer of another controller", "added", owned()),
    # Anything else
    Situation(
        says="a kind that is not ours",
        kind="ConfigMap",
        object={"metadata": {"name": "x"}, "data": {}},
        reason="unsupported-kind",
    ),
    Situation(
        says="a kind of another group with a name of ours",
        kind="Service",
        object={"metadata": {"name": "x"}, "spec": {"template": {}}},
        group="serving.knative.dev",
        reason="unsupported-kind",
    ),
)
