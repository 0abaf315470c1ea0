"""The table of situations: an object, its namespace, and the reason that is right for it.

One table for everything that decides, so that no two of them can come to differ.
"""

import dataclasses
import json
from typing import Any

from tests.reviews import Json, review
from webhook.admission.decision import Reason

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
    more: Json = dataclasses.field(default_factory=dict)
    """Members of the request that differ."""

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
    labels: dict[str, str] | None = None,
    last_applied: str | None = None,
    managed_fields: list[Json] | None = None,
) -> Json:
    """Make a Service as it arrives: with the policy that the API server has filled in."""
    metadata: Json = {"name": "gw", "namespace": "shop"}
    if labels is not None:
        metadata["labels"] = labels
    if last_applied is not None:
        metadata["annotations"] = {LAST_APPLIED: last_applied}
    if managed_fields is not None:
        metadata["managedFields"] = managed_fields
    spec: Json = {"type": type_, "ports": [{"port": 80}]}
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


POLICY = "externalTrafficPolicy"

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
        reason=Reason.ALREADY_INJECTED,
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
    Situation(
        says="Cluster written by client-side apply",
        kind="Service",
        object=service(last_applied=written(externalTrafficPolicy="Cluster")),
        reason=Reason.EXPLICIT_CLUSTER,
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
        says="a load balancer that a person switched to Cluster",
        kind="Service",
        object=service(),
        old=service(policy="Local"),
        operation="UPDATE",
        reason=Reason.TYPE_UNCHANGED,
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
