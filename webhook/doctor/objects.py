"""The parts of the cluster's objects that checks read, as typed structs.

msgspec decodes only what is declared here. Go's encoder omits what is empty and the API knows
``null`` as absent, hence the defaults and the ``| None``. An object of another shape is an answer
that makes no sense, and never a crash.

Source:
    k8s.io/api admissionregistration/v1, apps/v1, core/v1, discovery/v1 and policy/v1, types.go.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from webhook.admission import review

ANY: Final = "*"
"""Stands for everything in a rule."""


class _Wire(msgspec.Struct, gc=False, rename="camel"):
    """Part of an object, spelled in camelCase on the wire."""


class Metadata(_Wire):
    """``metadata`` of any object."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class Named(_Wire):
    """Any object, of which its metadata is enough, such as a Namespace."""

    metadata: Metadata

    @property
    def name(self) -> str:
        """``metadata.name``."""
        return self.metadata.name

    @property
    def labels(self) -> Mapping[str, str]:
        """``metadata.labels``."""
        return self.metadata.labels or {}

    @property
    def place(self) -> str:
        """Namespace and name, or the name alone where there is no namespace."""
        return f"{self.metadata.namespace}/{self.name}".lstrip("/")


# --- Selectors ------------------------------------------------------------------------------------


class Requirement(_Wire):
    """One of ``matchExpressions``."""

    key: str
    operator: str
    values: list[str] | None = None

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it.

        Source:
            k8s.io/apimachinery pkg/labels/selector.go, Requirement.Matches.
        """
        here, listed = self.key in labels, labels.get(self.key) in (self.values or ())
        meanings = {"In": here and listed, "NotIn": not (here and listed)}
        return (meanings | {"Exists": here, "DoesNotExist": not here}).get(self.operator, False)


class Selector(_Wire):
    """A ``LabelSelector``; an empty one selects everything."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Requirement] | None = None

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it selects what has these labels."""
        wanted = (self.match_labels or {}).items()
        return wanted <= labels.items() and all(
            each.holds(labels) for each in self.match_expressions or ()
        )


# --- Admission ------------------------------------------------------------------------------------


class Rule(_Wire):
    """One of ``rules``: which requests a webhook is asked about."""

    operations: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    scope: str = ANY

    def operations_on(self, resource: str) -> Iterator[str]:
        """List the operations on a namespaced resource of the core group that it is about."""
        groups, resources = set(self.api_groups or ()), set(self.resources or ())
        if groups & {"", ANY} and resources & {resource, ANY, "*/*"} and self.scope != "Cluster":
            yield from self.operations or ()


class MatchCondition(_Wire):
    """One of ``matchConditions``."""

    name: str = ""
    expression: str = ""


class ServiceReference(_Wire):
    """``clientConfig.service``."""

    namespace: str
    name: str
    path: str = ""
    port: int = 443


class ClientConfig(_Wire):
    """``clientConfig``: has a service or a URL; msgspec decodes base64 into bytes."""

    service: ServiceReference | None = None
    url: str = ""
    ca_bundle: bytes | None = None


class Webhook(_Wire):
    """One of ``webhooks``."""

    name: str
    client_config: ClientConfig
    rules: list[Rule] | None = None
    namespace_selector: Selector | None = None
    object_selector: Selector | None = None
    match_conditions: list[MatchCondition] | None = None
    admission_review_versions: list[str] | None = None
    failure_policy: str = "Fail"
    timeout_seconds: int = 10
    reinvocation_policy: str = "Never"
    side_effects: str = "None"

    def operations_on(self, resource: str) -> set[str]:
        """List the operations on a resource of the core group that it is asked about."""
        return {each for rule in self.rules or () for each in rule.operations_on(resource)}


class Configuration(Named):
    """A MutatingWebhookConfiguration."""

    webhooks: list[Webhook] | None = None

    @property
    def title(self) -> str:
        """Kind and name."""
        return f"MutatingWebhookConfiguration/{self.name}"

    @property
    def service(self) -> tuple[str, str] | None:
        """Namespace and name of the Service that is called; ``None`` where a URL is."""
        for hook in self.webhooks or ():
            reference = hook.client_config.service
            if reference is not None:
                return reference.namespace, reference.name
        return None


class Policy(Named):
    """A MutatingAdmissionPolicy or a ValidatingAdmissionPolicy."""

    spec: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def half(self) -> str:
        """The resource that the name of a policy of ours ends with; empty where it does not."""
        end = self.name.rpartition(".")[2]
        return end if end in {"pods", "services"} else ""


class BindingSpec(_Wire):
    """``spec`` of a binding."""

    policy_name: str = ""
    validation_actions: list[str] | None = None


class Binding(Named):
    """A MutatingAdmissionPolicyBinding or a ValidatingAdmissionPolicyBinding."""

    spec: BindingSpec = msgspec.field(default_factory=BindingSpec)


# --- Workloads ------------------------------------------------------------------------------------


class Environment(_Wire):
    """One of ``env``."""

    name: str
    value: str = ""


class Container(_Wire):
    """A container."""

    name: str = ""
    image: str = ""
    args: list[str] | None = None
    env: list[Environment] | None = None


class PodSpec(_Wire):
    """``spec`` of a Pod."""

    containers: list[Container] | None = None
    init_containers: list[Container] | None = None


class PodTemplate(_Wire):
    """``spec.template``, or a Pod."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: PodSpec = msgspec.field(default_factory=PodSpec)


class WorkloadSpec(_Wire):
    """``spec`` of a Deployment or a DaemonSet."""

    replicas: int = 1
    template: PodTemplate = msgspec.field(default_factory=PodTemplate)


class WorkloadStatus(_Wire):
    """``status`` of a DaemonSet."""

    desired_number_scheduled: int = 0
    number_ready: int = 0


class Workload(Named):
    """A Deployment or a DaemonSet."""

    spec: WorkloadSpec = msgspec.field(default_factory=WorkloadSpec)
    status: WorkloadStatus = msgspec.field(default_factory=WorkloadStatus)

    @property
    def containers(self) -> list[Container]:
        """The containers of its Pods."""
        return self.spec.template.spec.containers or []


class Taint(_Wire):
    """One of ``taints``."""

    key: str
    effect: str = ""

    @property
    def lasting(self) -> bool:
        """Whether it keeps Pods away for good; those of Kubernetes' own tell of a state."""
        return self.effect != "PreferNoSchedule" and not self.key.startswith("node.kubernetes.io/")


class NodeSpec(_Wire):
    """``spec`` of a Node."""

    taints: list[Taint] | None = None


class Node(Named):
    """A Node."""

    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)

    @property
    def takes_pods(self) -> bool:
        """Whether it is there for Pods without tolerations; virtual nodes have taints, too."""
        return not any(each.lasting for each in self.spec.taints or ())


class BudgetSpec(_Wire):
    """``spec`` of a PodDisruptionBudget."""

    selector: Selector | None = None


class Budget(Named):
    """A PodDisruptionBudget."""

    spec: BudgetSpec = msgspec.field(default_factory=BudgetSpec)


# --- Services -------------------------------------------------------------------------------------


class ServicePort(_Wire):
    """One of ``spec.ports``."""

    port: int
    name: str = ""


class ServiceSpec(_Wire):
    """``spec`` of a Service."""

    selector: dict[str, str] | None = None
    ports: list[ServicePort] | None = None


class Service(Named):
    """A Service."""

    spec: ServiceSpec = msgspec.field(default_factory=ServiceSpec)


class LoadBalancerMeta(review.ServiceObjectMeta):
    """``metadata`` of a load balancer's Service."""

    namespace: str = ""


class LoadBalancer(review.Service):
    """A load balancer's Service, as the rules read it."""

    metadata: LoadBalancerMeta

    @property
    def name(self) -> str:
        """``metadata.name``."""
        return self.metadata.name

    @property
    def labels(self) -> Mapping[str, str]:
        """``metadata.labels``."""
        return self.metadata.labels or {}


class TargetReference(_Wire):
    """``targetRef`` of an endpoint."""

    name: str = ""


class EndpointConditions(_Wire):
    """``conditions`` of an endpoint."""

    ready: bool | None = None


class Endpoint(_Wire):
    """One of ``endpoints``."""

    addresses: list[str]
    conditions: EndpointConditions = msgspec.field(default_factory=EndpointConditions)
    node_name: str = ""
    target_ref: TargetReference | None = None

    @property
    def ready(self) -> bool:
        """Whether it gets traffic; nothing said means yes."""
        return self.conditions.ready is not False


class EndpointPort(_Wire):
    """One of ``ports``."""

    name: str = ""
    port: int | None = None


class EndpointSlice(Named):
    """An EndpointSlice."""

    endpoints: list[Endpoint] | None = None
    ports: list[EndpointPort] | None = None


class ConfigMap(Named):
    """A ConfigMap."""

    data: dict[str, str] | None = None


class Version(_Wire):
    """What ``/version`` tells."""

    git_version: str = ""
