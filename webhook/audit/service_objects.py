"""The parts of existing Services, their endpoints and their nodes that an audit reads, as structs.

Source:
    k8s.io/api core/v1 and discovery/v1, types.go.
"""

import msgspec

from webhook.admission.review import ManagedFieldsEntry, Service, ServiceObjectMeta
from webhook.audit.objects import LiveObjectMeta


class _Wire(msgspec.Struct, gc=False, rename="camel"):
    """Part of an object, spelled in camelCase on the wire."""


class ServiceManagedFields(ManagedFieldsEntry):
    """One entry of ``metadata.managedFields`` of a Service: who wrote its policy, and when."""

    manager: str = ""
    time: str = ""


class LiveServiceMeta(ServiceObjectMeta):
    """``metadata`` of a Service that exists."""

    namespace: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    managed_fields: list[ServiceManagedFields] | None = None  # type: ignore[assignment]


class _Ingress(_Wire):
    """One of ``status.loadBalancer.ingress``: an address; that there is one is all that counts."""


class LoadBalancerStatus(_Wire):
    """``status.loadBalancer``."""

    ingress: list[_Ingress] | None = None


class ServiceStatus(_Wire):
    """``status`` of a Service."""

    load_balancer: LoadBalancerStatus = msgspec.field(default_factory=LoadBalancerStatus)


class LiveService(Service):
    """A Service that exists."""

    metadata: LiveServiceMeta
    status: ServiceStatus = msgspec.field(default_factory=ServiceStatus)


class EndpointConditions(_Wire):
    """``conditions`` of an endpoint; ``ready`` that is not told means yes."""

    ready: bool | None = None
    terminating: bool | None = None


class Endpoint(_Wire):
    """One of the ``endpoints`` of an EndpointSlice."""

    conditions: EndpointConditions = msgspec.field(default_factory=EndpointConditions)
    node_name: str | None = None

    @property
    def ready(self) -> bool:
        """Whether kube-proxy sends connections to it, and will go on to."""
        return self.conditions.ready is not False and not self.conditions.terminating


class EndpointSlice(_Wire):
    """An EndpointSlice."""

    endpoints: list[Endpoint] | None = None


class Taint(_Wire):
    """One of a node's ``spec.taints``."""

    effect: str = ""


class NodeSpec(_Wire):
    """``spec`` of a node."""

    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class NodeCondition(_Wire):
    """One of a node's ``status.conditions``."""

    type: str = ""
    status: str = ""


class NodeStatus(_Wire):
    """``status`` of a node."""

    conditions: list[NodeCondition] | None = None


class LiveNode(_Wire):
    """A Node."""

    metadata: LiveObjectMeta
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)
