"""The table of situations: an object, its namespace, and the reason that is right for it.

One table for everything that decides, so that no two of them can come to differ.
"""

import base64
import dataclasses
import gzip
import json
from typing import Any

from tests.reviews import Json, review
from webhook.admission.decision import Reason
from webhook.admission.options import Options, ServiceTrafficPolicy
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
    reason: Reason
    namespace: dict[str, str] | None = dataclasses.field(default_factory=lambda: ENABLED)
    operation: str = "CREATE"
    old: Json | None = None
    options: Options = dataclasses.field(default_factory=Options)
    more: Json = dataclasses.field(default_factory=dict)
    """Members of the request that differ."""
    sidecars: tuple[Json, ...] = ()
    """Manifests of the mesh's Sidecars."""

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


def _pod(says: str, reason: Reason, made: Json | None = None, **columns: Any) -> Situation:
    """Write a row about a Pod."""
    return Situation(says=says, kind="Pod", object=made or pod(), reason=reason, **columns)


def _service(says: str, reason: Reason, made: Json | None = None, **columns: Any) -> Situation:
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

R = Reason

OBJECTSET = "objectset.rio.cattle.io/applied"
RECORDS = (
    written(externalTrafficPolicy="Cluster", note="x" * 9),
    written(externalTrafficPolicy="Local", note="x" * 9),
    written(note="x" * 9),
)
"""Manifests as tools keep them: with Cluster, with Local, and without a policy."""

SITUATIONS = (
    # Pods
    Situation(says="a bare pod", kind="Pod", object=pod(), reason=Reason.ADDED),
    Situation(
        says="a pod with other annotations",
        kind="Pod",
        object=pod({"a/b": "c"}),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a pod with an empty map of annotations",
        kind="Pod",
        object=pod({}),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a namespace that asks for pods only",
        kind="Pod",
        object=pod(),
        namespace={KEY: "east-west"},
        reason=Reason.ADDED,
    ),
    Situation(
        says="a namespace that nobody can tell the labels of: the selector is trusted",
        kind="Pod",
        object=pod(),
        namespace=None,
        reason=Reason.ADDED,
    ),
    Situation(
        says="a dry run", kind="Pod", object=pod(), more={"dryRun": True}, reason=Reason.ADDED
    ),
    Situation(
        says="a pod in a namespace that asks for Services only",
        kind="Pod",
        object=pod(),
        namespace={KEY: "north-south"},
        reason=Reason.NAMESPACE_NOT_OPTED_IN,
    ),
    Situation(
        says="a pod in a namespace that says disabled",
        kind="Pod",
        object=pod(),
        namespace={KEY: "disabled"},
        reason=Reason.NAMESPACE_NOT_OPTED_IN,
    ),
    Situation(
        says="a pod in a namespace without the label",
        kind="Pod",
        object=pod(),
        namespace={"istio-injection": "enabled"},
        reason=Reason.NAMESPACE_NOT_OPTED_IN,
    ),
    Situation(
        says="a pod in a namespace with a typo in the label's value",
        kind="Pod",
        object=pod(),
        namespace={KEY: "Enabled"},
        reason=Reason.NAMESPACE_NOT_OPTED_IN,
    ),
    Situation(
        says="a pod that opts out",
        kind="Pod",
        object=pod(labels={KEY: "disabled"}),
        reason=Reason.OPTED_OUT,
    ),
    Situation(
        says="a pod whose label says anything but disabled",
        kind="Pod",
        object=pod(labels={KEY: "enabled"}),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a pod whose opt-out label is mistyped",
        kind="Pod",
        object=pod(labels={KEY: "Disabled"}),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a pod that opts out in a namespace that nobody can tell the labels of",
        kind="Pod",
        object=pod(labels={KEY: "disabled"}),
        namespace=None,
        reason=Reason.OPTED_OUT,
    ),
    Situation(
        says="an injected pod",
        kind="Pod",
        object=pod({STATUS: "{}"}),
        reason=Reason.ALREADY_INJECTED,
    ),
    Situation(
        says="an injected pod that has the mode",
        kind="Pod",
        object=pod({STATUS: "{}", MODE: "TPROXY"}),
        reason=Reason.ALREADY_SET,
    ),
    Situation(
        says="an injected pod with the mode that istio-cni wrote back",
        kind="Pod",
        object=pod({STATUS: "{}", MODE: "REDIRECT"}),
        reason=Reason.ALREADY_INJECTED,
    ),
    Situation(
        says="a pod of the host network",
        kind="Pod",
        object=pod(hostNetwork=True),
        reason=Reason.HOST_NETWORK,
    ),
    Situation(
        says="a pod that says it is not of the host network",
        kind="Pod",
        object=pod(hostNetwork=False),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a pod that has the mode",
        kind="Pod",
        object=pod({MODE: "TPROXY"}),
        reason=Reason.ALREADY_SET,
    ),
    Situation(
        says="a pod that asks for REDIRECT",
        kind="Pod",
        object=pod({MODE: "REDIRECT"}),
        reason=Reason.EXPLICIT_MODE,
    ),
    Situation(
        says="a pod that asks for NONE",
        kind="Pod",
        object=pod({MODE: "NONE"}),
        reason=Reason.EXPLICIT_MODE,
    ),
    Situation(
        says="a pod with the mode in small letters",
        kind="Pod",
        object=pod({MODE: "tproxy"}),
        reason=Reason.INVALID_MODE,
    ),
    Situation(
        says="a pod with an empty mode",
        kind="Pod",
        object=pod({MODE: ""}),
        reason=Reason.INVALID_MODE,
    ),
    Situation(
        says="an update of a pod, which is too late",
        kind="Pod",
        object=pod(),
        old=pod(),
        operation="UPDATE",
        reason=Reason.UNSUPPORTED_OPERATION,
    ),
    Situation(
        says="a subresource of a pod",
        kind="Pod",
        object=pod(),
        more={"subResource": "ephemeralcontainers"},
        reason=Reason.UNSUPPORTED_OPERATION,
    ),
    # Services
    Situation(
        says="a load balancer with the policy by default",
        kind="Service",
        object=service(),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a namespace that asks for Services only",
        kind="Service",
        object=service(),
        namespace={KEY: "north-south"},
        reason=Reason.ADDED,
    ),
    Situation(
        says="a load balancer in a namespace that asks for pods only",
        kind="Service",
        object=service(),
        namespace={KEY: "east-west"},
        reason=Reason.NAMESPACE_NOT_OPTED_IN,
    ),
    Situation(
        says="a load balancer that opts out",
        kind="Service",
        object=service(labels={KEY: "disabled"}),
        reason=Reason.OPTED_OUT,
    ),
    Situation(
        says="a load balancer whose opt-out label is mistyped",
        kind="Service",
        object=service(labels={KEY: "x" * 63}),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a ClusterIP Service",
        kind="Service",
        object=service("ClusterIP", None),
        reason=Reason.NOT_LOAD_BALANCER,
    ),
    Situation(
        says="a NodePort Service",
        kind="Service",
        object=service("NodePort"),
        reason=Reason.NOT_LOAD_BALANCER,
    ),
    Situation(
        says="an ExternalName Service",
        kind="Service",
        object=service("ExternalName", None),
        reason=Reason.NOT_LOAD_BALANCER,
    ),
    Situation(
        says="a load balancer that is Local already",
        kind="Service",
        object=service(policy="Local"),
        reason=Reason.ALREADY_SET,
    ),
    Situation(
        says="a load balancer without a policy, as no API server sends it",
        kind="Service",
        object=service(policy=None),
        reason=Reason.ADDED,
    ),
    *(
        Situation(
            says=f"a load balancer whose policy is {policy!r}",
            kind="Service",
            object=service(policy=policy),
            reason=Reason.INVALID_POLICY,
        )
        for policy in ("cluster", "local", "Global", "OnlyLocal", "Local ", "Cl\u00fcster\n" * 99)
    ),
    Situation(
        says="a load balancer whose policy is empty, which the API takes for absent",
        kind="Service",
        object=service(policy=""),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a Service that becomes a load balancer, with a policy that there is not",
        kind="Service",
        object=service(policy="local"),
        old=service("ClusterIP", None),
        operation="UPDATE",
        reason=Reason.INVALID_POLICY,
    ),
    Situation(
        says="a load balancer that names a health check port and no policy",
        kind="Service",
        object=of_spec(healthCheckNodePort=30123),
        reason=Reason.INVALID_POLICY,
    ),
    Situation(
        says="a load balancer that is Local already, with a health check port",
        kind="Service",
        object=of_spec(healthCheckNodePort=30123, externalTrafficPolicy="Local"),
        reason=Reason.ALREADY_SET,
    ),
    Situation(
        says="Cluster written by client-side apply",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster")),
        reason=Reason.EXPLICIT_CLUSTER,
    ),
    Situation(
        says="Cluster written by client-side apply, beside a type that is null",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster", type=None)),
        reason=Reason.EXPLICIT_CLUSTER,
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
            ("with Cluster", with_cluster, Reason.EXPLICIT_CLUSTER),
            ("with Local, which has been replaced since", with_another, Reason.ADDED),
            ("without the field", without, Reason.ADDED),
            ("that is cut off", with_cluster[:-9], Reason.ADDED),
            ("that is none", "skip", Reason.ADDED),
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
            ("with the policy", '{"f:spec":{"f:externalTrafficPolicy":{}}}', R.EXPLICIT_CLUSTER),
            ("without it", '{"f:spec":{"f:type":{}}}', R.ADDED),
            ("of metadata only", '{"f:metadata":{}}', R.ADDED),
            ("that are none", "[", R.ADDED),
        )
    ),
    *(
        Situation(
            says=f"Rancher's annotation with {what}",
            kind="Service",
            object=service(annotations={OBJECTSET: record}),
            reason=Reason.ADDED,
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
        reason=Reason.ADDED,
    ),
    Situation(
        says="client-side apply without the field",
        kind="Service",
        object=service(last_applied=written(), managed_fields=managed("Update", POLICY)),
        reason=Reason.ADDED,
    ),
    Situation(
        says="client-side apply with the field set to null",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy=None)),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a last-applied annotation that is not JSON",
        kind="Service",
        object=service(last_applied="{"),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a last-applied annotation without a spec",
        kind="Service",
        object=service(last_applied="{}"),
        reason=Reason.ADDED,
    ),
    Situation(
        says="Cluster written by server-side apply",
        kind="Service",
        object=service(managed_fields=managed("Apply", "type", POLICY)),
        reason=Reason.EXPLICIT_CLUSTER,
    ),
    Situation(
        says="server-side apply without the field",
        kind="Service",
        object=service(managed_fields=managed("Apply", "type")),
        reason=Reason.ADDED,
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
        reason=Reason.ADDED,
    ),
    Situation(
        says="a plain create, which lists the field defaulted or not",
        kind="Service",
        object=service(managed_fields=managed("Update", "type", POLICY)),
        reason=Reason.ADDED,
    ),
    Situation(
        says="a Service that becomes a load balancer",
        kind="Service",
        object=service(),
        old=service("ClusterIP", None),
        operation="UPDATE",
        reason=Reason.ADDED,
    ),
    Situation(
        says="a Service that becomes a load balancer, with Cluster written",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster")),
        old=service("NodePort"),
        operation="UPDATE",
        reason=Reason.EXPLICIT_CLUSTER,
    ),
    Situation(
        says="a load balancer that is set back to Cluster, by a person or by Helm 3",
        kind="Service",
        object=service(),
        old=service(policy="Local"),
        operation="UPDATE",
        reason=Reason.SET_BACK_TO_CLUSTER,
    ),
    Situation(
        says="a load balancer that is set back to Cluster in a manifest that tells of it",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster")),
        old=service(policy="Local"),
        operation="UPDATE",
        reason=Reason.SET_BACK_TO_CLUSTER,
    ),
    Situation(
        says="a load balancer that is set back to Cluster, its health check port still beside it",
        kind="Service",
        object=of_spec(healthCheckNodePort=30123),
        old=of_spec(healthCheckNodePort=30123, externalTrafficPolicy="Local"),
        operation="UPDATE",
        reason=Reason.SET_BACK_TO_CLUSTER,
    ),
    Situation(
        says="a load balancer that loses Local where nothing is lost with it",
        kind="Service",
        object=service(annotations={"service.beta.kubernetes.io/backend-type": "eni"}),
        old=service(policy="Local"),
        operation="UPDATE",
        reason=Reason.ENI_LOAD_BALANCER,
    ),
    Situation(
        says="a load balancer that was Cluster and stays so",
        kind="Service",
        object=service(),
        old=service(),
        operation="UPDATE",
        reason=Reason.TYPE_UNCHANGED,
    ),
    Situation(
        says="a load balancer that a person makes Local",
        kind="Service",
        object=service(policy="Local"),
        old=service(),
        operation="UPDATE",
        reason=Reason.TYPE_UNCHANGED,
    ),
    Situation(
        says="a NodePort Service that is Local and becomes a load balancer without a policy",
        kind="Service",
        object=service(),
        old=service("NodePort", "Local"),
        operation="UPDATE",
        reason=Reason.ADDED,
    ),
    Situation(
        says="an update of a ClusterIP Service",
        kind="Service",
        object=service("ClusterIP", None),
        old=service("ClusterIP", None),
        operation="UPDATE",
        reason=Reason.NOT_LOAD_BALANCER,
    ),
    Situation(
        says="the status of a Service",
        kind="Service",
        object=service(),
        old=service(),
        operation="UPDATE",
        more={"subResource": "status"},
        reason=Reason.UNSUPPORTED_OPERATION,
    ),
    # Pods that Istio does not inject
    _pod("a mirror pod", R.MIRROR_POD, pod({"kubernetes.io/config.mirror": "hash"})),
    *(
        _pod(f"a pod in {name}", R.SYSTEM_NAMESPACE, more={"namespace": name})
        for name in ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
    ),
    _pod(
        "a pod in istio-system, which Istio may inject", R.ADDED, more={"namespace": "istio-system"}
    ),
    _pod("inject: false as a label", R.INJECTION_REFUSED, pod(labels={INJECT: "false"})),
    _pod("inject: false as an annotation", R.INJECTION_REFUSED, pod({INJECT: "false"})),
    _pod(
        "inject: true as a label, which wins over false",
        R.ADDED,
        pod({INJECT: "false"}, {INJECT: "true"}),
    ),
    _pod(
        "inject: empty as a label, which wins as well",
        R.ADDED,
        pod({INJECT: "false"}, {INJECT: ""}),
    ),
    _pod(
        "inject: false as a label, which wins over true",
        R.INJECTION_REFUSED,
        pod({INJECT: "true"}, {INJECT: "false"}),
    ),
    _pod("inject: no, which means nothing since 1.27", R.ADDED, pod({INJECT: "no"})),
    _pod(
        "istio-injection: disabled",
        R.NAMESPACE_NOT_INJECTED,
        namespace=ENABLED | {"istio-injection": "disabled"},
    ),
    _pod(
        "istio-injection: disabled, which a pod's label cannot undo",
        R.NAMESPACE_NOT_INJECTED,
        pod(labels={INJECT: "true"}),
        namespace=ENABLED | {"istio-injection": "disabled"},
    ),
    _pod(
        "istio-injection: anything",
        R.NAMESPACE_NOT_INJECTED,
        namespace=ENABLED | {"istio-injection": ""},
    ),
    _pod("istio-injection: enabled", R.ADDED, namespace=ENABLED | {"istio-injection": "enabled"}),
    _pod("the gateway template", R.OTHER_TEMPLATE, pod({TEMPLATES: "gateway"})),
    _pod("the gRPC agent's template", R.OTHER_TEMPLATE, pod({TEMPLATES: "grpc-agent"})),
    _pod("no template at all", R.OTHER_TEMPLATE, pod({TEMPLATES: ""})),
    _pod("the sidecar's template and another", R.ADDED, pod({TEMPLATES: "mine, sidecar"})),
    _pod("a template of the mesh's own", R.OTHER_TEMPLATE, pod({TEMPLATES: "mine"})),
    _pod(
        "a template of the mesh's own, made known",
        R.ADDED,
        pod({TEMPLATES: "mine"}),
        options=Options(sidecar_templates=frozenset({"sidecar", "mine"})),
    ),
    _pod(
        "a gateway that istiod manages",
        R.GATEWAY,
        pod(labels={MANAGED: "istio.io-gateway-controller"}),
    ),
    _pod(
        "a gateway of Gateway API",
        R.GATEWAY,
        pod(labels={"gateway.networking.k8s.io/gateway-name": "g"}),
    ),
    _pod(
        "a proxy written by hand",
        R.GATEWAY,
        pod(containers=[{"name": "p", "args": ["proxy", "router"]}]),
    ),
    _pod(
        "a container that only mentions routers",
        R.ADDED,
        pod(containers=[{"name": "p", "args": ["router"]}]),
    ),
    _pod("an ambient namespace", R.AMBIENT, namespace=ENABLED | {AMBIENT: "ambient"}),
    _pod("an ambient pod", R.AMBIENT, pod(labels={AMBIENT: "ambient"})),
    _pod(
        "a pod that leaves its ambient namespace",
        R.ADDED,
        pod(labels={AMBIENT: "none"}),
        namespace=ENABLED | {AMBIENT: "ambient"},
    ),
    _pod(
        "a pod that asks for a sidecar in an ambient namespace",
        R.ADDED,
        pod(labels={INJECT: "true"}),
        namespace=ENABLED | {AMBIENT: "ambient"},
    ),
    _pod(
        "an ambient namespace with sidecars",
        R.ADDED,
        namespace=ENABLED | {AMBIENT: "ambient", "istio.io/rev": "x"},
    ),
    _pod(
        "an ambient pod in a namespace that nobody knows",
        R.AMBIENT,
        pod(labels={AMBIENT: "ambient"}),
        namespace=None,
    ),
    _pod("a pod for Windows", R.WINDOWS, pod(os={"name": "windows"})),
    _pod("a pod for Linux", R.ADDED, pod(os={"name": "linux"})),
    *(
        _pod(f"a pod for nodes of {os}, by {label}", reason, pod(nodeSelector={label: os}))
        for label in ("kubernetes.io/os", "beta.kubernetes.io/os")
        for os, reason in (("windows", R.WINDOWS), ("linux", R.ADDED))
    ),
    *(
        _pod(f"a {what} that says hostProcess {host}", reason, made)
        for host, reason in ((True, R.WINDOWS), (False, R.ADDED), (None, R.ADDED))
        for options in ({"windowsOptions": {"hostProcess": host}},)
        for what, made in (
            ("pod", pod(securityContext=options)),
            ("container", pod(containers=[{"name": "c", "securityContext": options}])),
            ("init container", pod(initContainers=[{"name": "c", "securityContext": options}])),
        )
    ),
    _pod(
        "no sign of injection, where one is required",
        R.NOT_INJECTED,
        options=Options(require_injection_label=True),
    ),
    *(
        _pod(
            f"a sign of injection, where one is required: {sign}",
            R.ADDED,
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
        R.ADDED,
        namespace=None,
        options=Options(require_injection_label=True),
    ),
    # Pods whose sidecar is special
    _pod(
        "no inbound port intercepted",
        R.INBOUND_NOT_CAPTURED,
        pod({"traffic.sidecar.istio.io/includeInboundPorts": ""}),
    ),
    _pod(
        "some inbound ports intercepted",
        R.ADDED,
        pod({"traffic.sidecar.istio.io/includeInboundPorts": "80"}),
    ),
    _pod("a virtual machine", R.KUBEVIRT, pod(labels={"kubevirt.io": "virt-launcher"})),
    _pod(
        "KubeVirt's interfaces",
        R.KUBEVIRT,
        pod({"traffic.sidecar.istio.io/kubevirtInterfaces": "k6t"}),
    ),
    _pod("docker-in-docker", R.VIRTUAL_INTERFACES, pod({INTERFACES: "docker0"})),
    _pod(
        "a virtual machine with rerouted interfaces",
        R.KUBEVIRT,
        pod({INTERFACES: "k6t"}, {"kubevirt.io": "virt-launcher"}),
    ),
    _pod("a pod of gVisor", R.SANDBOXED, pod(runtimeClassName="gvisor")),
    _pod(
        "a pod of gVisor with TPROXY by hand",
        R.ALREADY_SET,
        pod({MODE: "TPROXY"}, runtimeClassName="gvisor"),
    ),
    *(
        _pod(f"a pod of RuntimeClass {name!r}", R.ADDED, pod(runtimeClassName=name))
        for name in ("kata", "", None)
    ),
    _pod(
        "a pod of another sandbox, made known",
        R.SANDBOXED,
        pod(runtimeClassName="tiny"),
        options=Options(sandboxed_runtime_classes=frozenset({"gvisor", "tiny"})),
    ),
    *(
        _pod(f"a proxy config that says {written!r}", reason, pod({CONFIG: written}))
        for written, reason in (
            ("concurrency: 2", R.ADDED),
            ("interceptionMode: TPROXY", R.ADDED),
            ("interceptionMode: 1", R.ADDED),
            ("interceptionMode:", R.ADDED),
            ('{"interception_mode": "TPROXY"}', R.ADDED),
            ("# interception is not chosen here", R.ADDED),
            ("interceptionMode: REDIRECT", R.PROXY_CONFIG_MODE),
            ("interception_mode: REDIRECT", R.PROXY_CONFIG_MODE),
            ('{"interceptionMode": "REDIRECT"}', R.PROXY_CONFIG_MODE),
            ("interceptionMode: 0", R.PROXY_CONFIG_MODE),
            ("interceptionMode: NONE", R.PROXY_CONFIG_MODE),
            ("interceptionMode: 2", R.PROXY_CONFIG_MODE),
            ("interceptionMode: tproxy", R.INVALID_PROXY_CONFIG),
            ("interceptionMode: 3", R.UNREAD_PROXY_CONFIG),
            ("interceptionMode: {}", R.INVALID_PROXY_CONFIG),
            ("interceptionMode: [", R.UNREAD_PROXY_CONFIG),
            ("- interceptionMode", R.INVALID_PROXY_CONFIG),
            ("interceptionMode", R.INVALID_PROXY_CONFIG),
            ("interceptionMode: 2026-13-45", R.UNREAD_PROXY_CONFIG),
            ("a: &a {interceptionMode: REDIRECT}\n<<: *a", R.PROXY_CONFIG_MODE),
            ("a: &a NONE\ninterceptionMode: *a", R.PROXY_CONFIG_MODE),
            ("a: &a TPROXY\ninterceptionMode: *a", R.ADDED),
        )
    ),
    *(
        _pod(f"a proxy config of {length} characters", reason, pod({CONFIG: REDIRECTING + filler}))
        for length, reason in ((9_000, R.PROXY_CONFIG_MODE), (40_000, R.UNREAD_PROXY_CONFIG))
        for filler in ("x" * (length - len(REDIRECTING)),)
    ),
    *(
        _pod(f"a sidecar of the pod's own with {context}", reason, _with_proxy(**context))
        for context, reason in (
            ({}, R.ADDED),
            ({"runAsUser": 0, "runAsGroup": 1337, "runAsNonRoot": False}, R.ADDED),
            ({"runAsUser": 1337}, R.ADDED),
            ({"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}, R.ADDED),
            ({"capabilities": {"drop": ["ALL"]}}, R.ADDED),
            ({"capabilities": {"add": ["ALL"]}}, R.ADDED),
            ({"runAsUser": 1234}, R.PROXY_SECURITY_CONTEXT),
            ({"runAsGroup": 4321}, R.PROXY_SECURITY_CONTEXT),
            ({"runAsGroup": 0}, R.PROXY_SECURITY_CONTEXT),
            ({"runAsNonRoot": True}, R.PROXY_SECURITY_CONTEXT),
            ({"capabilities": {"add": ["NET_RAW"]}}, R.PROXY_SECURITY_CONTEXT),
            ({"capabilities": {"drop": ["NET_ADMIN"]}}, R.PROXY_SECURITY_CONTEXT),
        )
    ),
    _pod(
        "a native sidecar of the pod's own with runAsUser",
        R.PROXY_SECURITY_CONTEXT,
        _with_proxy("initContainers", runAsUser=1234),
    ),
    _pod(
        "another container with runAsUser",
        R.ADDED,
        pod(containers=[{"name": "c", "securityContext": {"runAsUser": 1234}}]),
    ),
    *(
        _pod(
            f"Pod Security that enforces {level}",
            reason,
            namespace=ENABLED | {f"{PSA}enforce": level},
        )
        for level, reason in (
            ("privileged", R.ADDED),
            ("baseline", R.POD_SECURITY),
            ("restricted", R.POD_SECURITY),
            ("Baseline", R.POD_SECURITY),
        )
    ),
    _pod(
        "Pod Security that is exempted from",
        R.ADDED,
        namespace=ENABLED | {f"{PSA}enforce": "restricted"},
        options=Options(ignore_pod_security=True),
    ),
    *(
        _pod(
            f"Pod Security that would {mode}",
            R.ADDED,
            namespace=ENABLED | {f"{PSA}{mode}": "baseline"},
        )
        for mode in ("warn", "audit")
    ),
    # Pods that the mesh calls over loopback
    *(
        _pod(f"a Sidecar that leads to {to!r}", reason, sidecars=(sidecar("s", to),))
        for to, reason in (
            (LOOPBACK, R.LOOPBACK_INGRESS),
            ("[::1]:8080", R.LOOPBACK_INGRESS),
            ("unix:///run/app.sock", R.LOOPBACK_INGRESS),
            ("0.0.0.0:8080", R.ADDED),
            ("[::]:8080", R.ADDED),
            (":8080", R.ADDED),
            ("", R.ADDED),
        )
    ),
    *(
        _pod(
            f"a Sidecar whose listener has the capture mode {capture}",
            reason,
            sidecars=(sidecar("s", LOOPBACK, capture=capture),),
        )
        for capture, reason in (("IPTABLES", R.LOOPBACK_INGRESS), ("NONE", R.ADDED))
    ),
    *(
        _pod(f"{says}", reason, pod(labels={"app": "web", "tier": "1"}), sidecars=sidecars)
        for says, reason, sidecars in (
            ("one listener of two", R.LOOPBACK_INGRESS, (sidecar("s", "", LOOPBACK),)),
            ("a Sidecar without ingress", R.ADDED, (sidecar(),)),
            ("no Sidecar of its namespace", R.ADDED, (sidecar("s", LOOPBACK, namespace="b"),)),
            (
                "a Sidecar that selects the pod",
                R.LOOPBACK_INGRESS,
                (sidecar("s", LOOPBACK, selector={"app": "web"}),),
            ),
            (
                "a Sidecar that selects other pods",
                R.ADDED,
                (sidecar("s", LOOPBACK, selector={"app": "web", "tier": "2"}),),
            ),
            (
                "a Sidecar that selects the pod, before that of the namespace",
                R.ADDED,
                (
                    sidecar("a", LOOPBACK, created="2026-01-01T00:00:00Z"),
                    sidecar("b", created="2026-02-01T00:00:00Z", selector={"app": "web"}),
                ),
            ),
            (
                "the older of two Sidecars",
                R.LOOPBACK_INGRESS,
                (
                    sidecar("a", created="2026-02-01T00:00:00Z"),
                    sidecar("b", LOOPBACK, created="2026-01-01T00:00:00Z"),
                ),
            ),
            (
                "of two Sidecars of one second the first by name",
                R.ADDED,
                (sidecar("b", LOOPBACK), sidecar("a")),
            ),
            (
                "the Sidecar of the root namespace",
                R.LOOPBACK_INGRESS,
                (sidecar("s", LOOPBACK, namespace="istio-system"),),
            ),
            (
                "a Sidecar of the root namespace for pods of its own",
                R.ADDED,
                (sidecar("s", LOOPBACK, namespace="istio-system", selector={"app": "web"}),),
            ),
            (
                "the namespace's own Sidecar, before that of the root namespace",
                R.ADDED,
                (sidecar("s", LOOPBACK, namespace="istio-system"), sidecar()),
            ),
        )
    ),
    _pod(
        "the Sidecar of another root namespace",
        R.LOOPBACK_INGRESS,
        sidecars=(sidecar("s", LOOPBACK, namespace="mesh"),),
        options=Options(root_namespace="mesh"),
    ),
    _pod(
        "a Sidecar, where none is read",
        R.ADDED,
        sidecars=(sidecar("s", LOOPBACK),),
        options=Options(ignore_sidecars=True),
    ),
    _pod(
        "TPROXY by hand, whatever the Sidecar says",
        R.ALREADY_SET,
        pod({MODE: "TPROXY"}),
        sidecars=(sidecar("s", LOOPBACK),),
    ),
    _pod(
        "a mesh that sends all inbound connections to loopback",
        R.INBOUND_LOCALHOST,
        options=Options(inbound_localhost=True),
    ),
    # Services of gateways, and the admin's choices
    _service(
        "a gateway that Helm makes",
        R.ADDED,
        service(labels={"istio": "ingressgateway", "app.kubernetes.io/managed-by": "Helm"}),
    ),
    _service(
        "a gateway that istiod makes by server-side apply",
        R.ADDED,
        service(
            labels={MANAGED: "istio.io-gateway-controller"},
            managed_fields=managed("Apply", "type", "ports", "ipFamilyPolicy"),
        ),
    ),
    _service(
        "a gateway whose overlay asks for Cluster",
        R.EXPLICIT_CLUSTER,
        service(
            labels={MANAGED: "istio.io-gateway-controller"},
            managed_fields=managed("Apply", "type", POLICY),
        ),
    ),
    _service("a waypoint", R.WAYPOINT, service(labels={MANAGED: "istio.io-mesh-controller"})),
    _service(
        "an east-west gateway that istiod makes",
        R.EAST_WEST_GATEWAY,
        service(labels={MANAGED: "istio.io-eastwest-controller"}),
    ),
    _service(
        "an east-west gateway that Helm makes",
        R.EAST_WEST_GATEWAY,
        service(labels={"topology.istio.io/network": "n1"}),
    ),
    _service(
        "an east-west gateway, where they are wanted",
        R.ADDED,
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
            ("eni", ServiceTrafficPolicy.AUTO, R.ENI_LOAD_BALANCER),
            ("ecs", ServiceTrafficPolicy.AUTO, R.ADDED),
            ("eni", ServiceTrafficPolicy.ALWAYS, R.ADDED),
            ("eni", ServiceTrafficPolicy.NEVER, R.SERVICES_OFF),
        )
    ),
    _service(
        "any load balancer, where Services are left alone",
        R.SERVICES_OFF,
        options=Options(service_traffic_policy=ServiceTrafficPolicy.NEVER),
    ),
    _service(
        "a NodePort Service, where they are wanted",
        R.ADDED,
        service("NodePort"),
        options=NODE_PORTS,
    ),
    _service(
        "a ClusterIP Service, where NodePort is wanted",
        R.NOT_LOAD_BALANCER,
        service("ClusterIP", None),
        options=NODE_PORTS,
    ),
    _service(
        "a Service that becomes a NodePort one, where they are wanted",
        R.ADDED,
        service("NodePort"),
        old=service("ClusterIP", None),
        operation="UPDATE",
        options=NODE_PORTS,
    ),
    _service(
        "a NodePort Service that stays one, where they are wanted",
        R.TYPE_UNCHANGED,
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
                R.NO_SELECTOR,
                Options(services_without_selector=True),
                (
                    ("no selector", of_spec(selector=None)),
                    ("an empty selector", of_spec(selector={})),
                ),
            ),
            (
                R.SHARED_ADDRESS,
                Options(shared_addresses=True),
                tuple((key, service(annotations={key: "shared"})) for key in SHARING_KEYS),
            ),
            (
                R.CILIUM_L2,
                Options(cilium_l2=True),
                (("Cilium's L2 announcer", of_spec(loadBalancerClass="io.cilium/l2-announcer")),),
            ),
            (
                R.AZURE_PLS_PROXY_PROTOCOL,
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
            _service(f"a load balancer with {what}, wanted", R.ADDED, made, options=choice),
            _service(
                f"a load balancer with {what}, whose author wrote Local",
                R.ALREADY_SET,
                {**made, "spec": {**made["spec"], "externalTrafficPolicy": "Local"}},
            ),
        )
    ),
    _service(
        "no selector, and Cluster written",
        R.NO_SELECTOR,
        {
            **of_spec(selector=None),
            "metadata": service(last_applied=written(externalTrafficPolicy="Cluster"))["metadata"],
        },
    ),
    _service(
        "a NodePort Service without selector, where they are wanted",
        R.NO_SELECTOR,
        {**service("NodePort"), "spec": {"type": "NodePort", "externalTrafficPolicy": "Cluster"}},
        options=NODE_PORTS,
    ),
    _service("a sharing key that is empty", R.ADDED, service(annotations={SHARING_KEYS[0]: ""})),
    _service("Azure's PROXY protocol, off", R.ADDED, service(annotations={AZURE_PLS: "false"})),
    _service(
        "Cilium's announcer by BGP",
        R.ADDED,
        of_spec(loadBalancerClass="io.cilium/bgp-control-plane"),
    ),
    *(
        _service(f"a load balancer with {what}", R.ADDED, of_spec(**spec))
        for what, spec in (
            ("no node ports", {"allocateLoadBalancerNodePorts": False}),
            ("a class", {"loadBalancerClass": "example.org/lb"}),
            ("external addresses", {"externalIPs": ["192.0.2.1"]}),
            ("two families", {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]}),
        )
    ),
    _service("a headless Service", R.NOT_LOAD_BALANCER, of_spec("ClusterIP", clusterIP="None")),
    _service(
        "a ClusterIP Service with external addresses",
        R.NOT_LOAD_BALANCER,
        of_spec("ClusterIP", externalIPs=["192.0.2.1"], externalTrafficPolicy="Cluster"),
    ),
    _service("a load balancer of another controller", R.ADDED, owned()),
    # Anything else
    Situation(
        says="a kind that is not ours",
        kind="ConfigMap",
        object={"metadata": {"name": "x"}, "data": {}},
        reason=Reason.UNSUPPORTED_KIND,
    ),
    Situation(
        says="a kind of another group with a name of ours",
        kind="Service",
        object={"metadata": {"name": "x"}, "spec": {"template": {}}},
        group="serving.knative.dev",
        reason=Reason.UNSUPPORTED_KIND,
    ),
)
