"""Every label and annotation that we read or write, and what our own label asks for.

Our own label is the opt-in contract: its value on a namespace says which half of the product the
namespace wants. Its key has no constant here, because it is a setting: its default is
:data:`webhook.admission.options.DEFAULT_LABEL_KEY`.

Pure, and below everything else: the admission rules, the namespaces of the cluster and the preview
all read labels through this module, so that they cannot disagree about them.
"""

import enum
import re
from collections.abc import Mapping
from typing import Final

# --- Kubernetes -----------------------------------------------------------------------------------

MIRROR: Final = "kubernetes.io/config.mirror"
"""Annotation of a mirror pod, which stands in the API for a static pod of kubelet's.

Source:
    Kubernetes, Well-Known Labels, Annotations and Taints; k8s.io/api
    core/v1/annotation_key_constants.go.
"""

OS_LABELS: Final = ("kubernetes.io/os", "beta.kubernetes.io/os")
"""Labels with the operating system of a node, which kubelet sets and pods select nodes by. The
second one is deprecated, and still selected by.

Source:
    Kubernetes, Well-Known Labels, Annotations and Taints.
"""

POD_SECURITY: Final = "pod-security.kubernetes.io/"
"""What the labels of a namespace for Pod Security begin with; ``enforce``, ``audit`` or ``warn``
follows, and the value is a level.

Source:
    Kubernetes, Pod Security Admission, Pod Security Admission labels for namespaces.
"""

# --- Istio ----------------------------------------------------------------------------------------

INTERCEPTION_MODE: Final = "sidecar.istio.io/interceptionMode"
"""Annotation of a Pod that chooses how its sidecar intercepts inbound connections: REDIRECT, TPROXY
or NONE. The only one that the webhook sets.

Source:
    istio/api annotation/annotations.yaml, as for each annotation of Istio's that names no other.
"""

REDIRECT: Final = "REDIRECT"
TPROXY: Final = "TPROXY"
NONE: Final = "NONE"
"""The three modes."""

INJECT: Final = "sidecar.istio.io/inject"
"""Label, formerly annotation, of a Pod: whether it gets a sidecar. The label wins.

Source:
    istio/api label/labels.yaml and annotation/annotations.yaml; istio/istio pkg/kube/inject/
    inject.go, injectRequired.
"""

INJECTION_STATUS: Final = "sidecar.istio.io/status"
"""Annotation that Istio's injector leaves on every pod that it has injected."""

INBOUND_PORTS: Final = "traffic.sidecar.istio.io/includeInboundPorts"
"""Annotation of a Pod: the inbound ports that lead to the sidecar; empty means none."""

KUBEVIRT_INTERFACES: Final = "traffic.sidecar.istio.io/kubevirtInterfaces"
"""Annotation of a Pod: the interfaces of its virtual machines, whose inbound connections are
treated as outbound. Deprecated in favour of :data:`VIRTUAL_INTERFACES`."""

VIRTUAL_INTERFACES: Final = "istio.io/reroute-virtual-interfaces"
"""Annotation of a Pod: the interfaces whose inbound connections are treated as outbound."""

TEMPLATES: Final = "inject.istio.io/templates"
"""Annotation of a Pod: the injection templates that it is rendered with, separated by commas."""

PROXY_CONFIG: Final = "proxy.istio.io/config"
"""Annotation of a Pod: the configuration of its proxy, as YAML; it can choose the interception mode
as well."""

NAMESPACE_INJECTION: Final = "istio-injection"
"""Label of a namespace: whether its pods get a sidecar, ``enabled`` or ``disabled``.

Source:
    istio/istio istio-discovery/templates/mutatingwebhook.yaml, the namespaceSelectors.
"""

REVISION: Final = "istio.io/rev"
"""Label of a namespace or a Pod: the revision of the control plane that injects the sidecar.

Source:
    istio/api label/labels.yaml, as for each label of Istio's that names no other.
"""

DATAPLANE_MODE: Final = "istio.io/dataplane-mode"
"""Label of a namespace or a Pod: ``ambient`` leads its traffic through ztunnel, any other value
does not."""

USE_WAYPOINT: Final = "istio.io/use-waypoint"
"""Label of a namespace, a Service or a Pod in ambient mode: the waypoint that its clients go
through; ``none`` for none."""

NETWORK: Final = "topology.istio.io/network"
"""Label of a gateway's Service: the network that other clusters reach through this gateway. It is
what an east-west gateway is recognised by, if Helm and not istiod makes it."""

MANAGED_GATEWAY: Final = "gateway.istio.io/managed"
"""Label of the Pods and Services that istiod makes for Gateways; the value says for which kind.

Source:
    istio/istio pkg/config/constants/constants.go, ManagedGatewayLabel.
"""

GATEWAY_NAME: Final = "gateway.networking.k8s.io/gateway-name"
"""Label of the Pods and Services that an implementation of the Gateway API makes for a Gateway.

Source:
    Gateway API, GatewayInfrastructure and GEP-1762, In Cluster Gateway Deployments.
"""

GATEWAY_SERVICE_TYPE: Final = "networking.istio.io/service-type"
"""Annotation of a Gateway: the type of the Service that Istio makes for it, unless LoadBalancer."""

# --- Clouds and load balancers --------------------------------------------------------------------

BACKEND_TYPE: Final = "service.beta.kubernetes.io/backend-type"
"""Annotation of a Service: where Alibaba Cloud's load balancer sends to, ``eni`` (pods) or ``ecs``
(nodes).

Source:
    kubernetes/cloud-provider-alibaba-cloud pkg/controller/service, isENIBackendType.
"""

AZURE_PLS_PROXY_PROTOCOL: Final = "service.beta.kubernetes.io/azure-pls-proxy-protocol"
"""Annotation of a Service: whether Azure's Private Link Service speaks the PROXY protocol to it.

Source:
    Cloud Provider Azure, Azure Private Link Service Integration.
"""

SHARING_KEYS: Final = (
    "metallb.io/allow-shared-ip",
    "metallb.universe.tf/allow-shared-ip",
    "lbipam.cilium.io/sharing-key",
    "io.cilium/lb-ipam-sharing-key",
    "purelb.io/allow-shared-ip",
)
"""Annotations by which Services share an address: of MetalLB (two names), Cilium (two) and PureLB.

Source:
    MetalLB, Usage, IP address sharing; Cilium, LoadBalancer IP Address Management, Sharing Keys;
    PureLB, Service annotations.
"""

# --- Tools ----------------------------------------------------------------------------------------

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation in which client-side ``kubectl apply`` keeps the manifest as the user wrote it, as
JSON.

Source:
    Kubernetes, Well-Known Labels, Annotations and Taints; k8s.io/kubectl pkg/util/apply.go.
"""

KUBEVELA_LAST_APPLIED: Final = "app.oam.dev/last-applied-configuration"
"""Annotation in which KubeVela keeps the manifest likewise.

Source:
    kubevela/kubevela pkg/utils/apply/apply.go.
"""

KAPP_ORIGINAL: Final = "kapp.k14s.io/original"
"""Annotation in which kapp keeps the manifest, by a request of its own after the creation.

Source:
    carvel.dev/kapp, Diff stage.
"""

CONFIG_SYNC_DECLARED_CONFIG: Final = "configmanagement.gke.io/declared-config"
"""Annotation in which Config Sync keeps the manifest as it stands in the repository, as JSON.

Source:
    Google Cloud, Labels and annotations of Config Sync.
"""

CONFIG_SYNC_DECLARED_FIELDS: Final = "configsync.gke.io/declared-fields"
"""Annotation in which Config Sync keeps the set of fields that the manifest names, in the form of
``fieldsV1``.

Source:
    Google Cloud, Labels and annotations of Config Sync.
"""

RANCHER_APPLIED: Final = "objectset.rio.cattle.io/applied"
"""Annotation in which Rancher and k3s keep the manifest: JSON, or gzip of it in base64.

Source:
    rancher/wrangler pkg/apply/desiredset_compare.go.
"""

KUBEVIRT: Final = "kubevirt.io"
"""Label of what belongs to KubeVirt; ``virt-launcher`` on a pod that runs a virtual machine.

Source:
    kubevirt/api core/v1/types.go, AppLabel.
"""

# --- Our own --------------------------------------------------------------------------------------

Labels = Mapping[str, str]
"""The labels of a Kubernetes object, key to value."""


class Half(enum.StrEnum):
    """One of the two halves of the product; a namespace can ask for either alone."""

    EAST_WEST = "east-west"
    """Pods: the annotation ``sidecar.istio.io/interceptionMode: TPROXY``."""

    NORTH_SOUTH = "north-south"
    """Services: ``spec.externalTrafficPolicy: Local``."""


class Mode(enum.StrEnum):
    """What the value of a namespace's opt-in label asks for."""

    ENABLED = "enabled"
    EAST_WEST = "east-west"
    NORTH_SOUTH = "north-south"
    DISABLED = "disabled"

    def includes(self, half: Half) -> bool:
        """Tell whether this mode asks for ``half``."""
        return self is Mode.ENABLED or self.value == half.value


_MODES: Final = {mode.value: mode for mode in Mode}
_DNS_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""The key of a label, without its prefix."""
_PREFIX: Final = re.compile(rf"{_DNS_LABEL}(\.{_DNS_LABEL})*")
"""What may stand before the slash: a DNS subdomain."""
_LONGEST_PREFIX: Final = 253
"""Characters of such a prefix."""


def mode_of(labels: Labels, label_key: str) -> Mode:
    """Read the opt-in label of a namespace.

    Args:
        labels: The namespace's labels.
        label_key: The label's key, which the admin may choose.

    Returns:
        The mode; an absent label and a value that is none of the four mean ``DISABLED``, because a
        typo must never widen the opt-in.
    """
    return _MODES.get(labels.get(label_key, ""), Mode.DISABLED)


def mistyped(labels: Labels, label_key: str) -> str | None:
    """Find a value of a namespace's opt-in label that is none of the four.

    Args:
        labels: The namespace's labels.
        label_key: The label's key, which the admin may choose.

    Returns:
        The value; ``None`` where there is no label, or a good one.
    """
    value = labels.get(label_key)
    return None if value in _MODES else value


def opted_out(labels: Labels, label_key: str) -> bool:
    """Tell whether a Pod or a Service asks to be left alone.

    Args:
        labels: The object's own labels.
        label_key: The same key as on the namespace.
    """
    return labels.get(label_key) == Mode.DISABLED


def is_label_key(key: str) -> bool:
    """Tell whether Kubernetes takes this as the key of a label.

    Source:
        k8s.io/apimachinery pkg/util/validation, IsQualifiedName.
    """
    prefix, slash, name = key.rpartition("/")
    if slash and not (len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix)):
        return False
    return _NAME.fullmatch(name) is not None
