"""What an admin can choose that changes a decision."""

import dataclasses
import enum

DEFAULT_LABEL_KEY = "source-ip-preservation"
"""Key of our own label, where the admin chooses no other."""


class ServiceTrafficPolicy(enum.StrEnum):
    """On which Services ``externalTrafficPolicy: Local`` is set."""

    AUTO = "auto"
    """On all but those whose annotation asks for ENI backends, as on Alibaba Cloud."""

    ALWAYS = "always"
    """On those as well."""

    NEVER = "never"
    """On none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices that the rules ask for; the same object serves the server and the previews."""

    label_key: str = DEFAULT_LABEL_KEY
    """Key of the opt-in label on namespaces and of the opt-out label on objects."""

    sidecar_templates: frozenset[str] = frozenset({"sidecar"})
    """Injection templates, or aliases of them, that have an intercepting sidecar."""

    sandboxed_runtime_classes: frozenset[str] = frozenset({"gvisor"})
    """RuntimeClasses whose pods have a network stack without TPROXY."""

    require_injection_label: bool = False
    """Whether a pod must show a sign that Istio will inject it: a label of its own or of its
    namespace. Off, because Istio can be set to inject without any label, vendors have labels of
    their own, and the annotation on a pod that is not injected does nothing."""

    ignore_pod_security: bool = False
    """Whether pods get TPROXY although the namespace's Pod Security level refuses its sidecar. Off,
    because such a pod is not created at all; on where an admission plugin exempts it."""

    root_namespace: str = "istio-system"
    """The mesh's root namespace, whose Sidecar counts for namespaces without one of their own."""

    ignore_sidecars: bool = False
    """Whether Sidecar resources are left unread."""

    inbound_localhost: bool = False
    """Whether the mesh sends all inbound connections to loopback: its
    ``meshConfig.inboundTrafficPolicy.mode`` is LOCALHOST, which admission cannot see."""

    service_traffic_policy: ServiceTrafficPolicy = ServiceTrafficPolicy.AUTO
    """Which Services get the setting."""

    node_ports: bool = False
    """Whether Services of type NodePort get it too. Off, because nothing leads clients away from
    the nodes that have no pod of the Service, and those would drop them."""

    east_west_gateways: bool = False
    """Whether the Services of east-west gateways get it too. Off, because their clients are other
    gateways, whose addresses nobody needs."""

    services_without_selector: bool = False
    """Whether Services without selector get it too. Off, because their endpoints are written by
    hand or by an operator, most often without the name of a node, and are then local to none."""

    shared_addresses: bool = False
    """Whether Services that share an address get it too. Off, because under ``Local`` only those
    may share that select the same pods, and the next one would stay pending."""

    cilium_l2: bool = False
    """Whether Services of Cilium's L2 announcer get it too. Off, because it may announce an address
    from a node without a pod of the Service, which would drop everything."""

    azure_pls_proxy_protocol: bool = False
    """Whether Services behind an Azure Private Link Service that speaks the PROXY protocol get it
    too. Off, because kube-proxy's health check does not speak it, and no node would be healthy."""
