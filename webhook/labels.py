"""The opt-in contract: which half of the product a namespace's label asks for.

Pure, and below everything else: the admission rules, the preview and the checks of a cluster all
read the label through this module, so that they cannot disagree about it.
"""

import enum
import re
from collections.abc import Mapping
from typing import Final

Labels = Mapping[str, str]
"""The labels of a Kubernetes object, key to value."""


class Half(enum.StrEnum):
    """One of the two cures; a namespace can ask for either alone."""

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


_MODES = {mode.value: mode for mode in Mode}


def mode_of(labels: Labels, label_key: str) -> Mode:
    """Read the opt-in label of a namespace.

    Args:
        labels: The namespace's labels.
        label_key: The label's key, :data:`DEFAULT_LABEL_KEY` unless the admin chose another.

    Returns:
        The mode; an absent label and a value that is none of the four mean ``DISABLED``, because a
        typo must never widen the opt-in.
    """
    return _MODES.get(labels.get(label_key, ""), Mode.DISABLED)


def mistyped(labels: Labels, label_key: str) -> str | None:
    """Find a value of a namespace's opt-in label that is none of the four.

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


_DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(rf"{_DNS_LABEL}(\.{_DNS_LABEL})*")


def is_label_key(key: str) -> bool:
    """Tell whether Kubernetes takes this as the key of a label.

    Source:
        k8s.io/apimachinery pkg/util/validation, IsQualifiedName.
    """
    prefix, slash, name = key.rpartition("/")
    if slash and not (len(prefix) <= 253 and _PREFIX.fullmatch(prefix)):  # noqa: PLR2004
        return False
    return _NAME.fullmatch(name) is not None


MIRROR = "kubernetes.io/config.mirror"
INJECT = "sidecar.istio.io/inject"
TEMPLATES = "inject.istio.io/templates"
NAMESPACE_INJECTION = "istio-injection"
REVISION = "istio.io/rev"
DATAPLANE_MODE = "istio.io/dataplane-mode"
USE_WAYPOINT = "istio.io/use-waypoint"
MANAGED_GATEWAY = "gateway.istio.io/managed"
"""Label of what istiod makes for Gateways, Pods and Services; the value says for which kind."""
GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")
"""Labels that kubelet gives its node; the second one until it is nobody's selector any more."""
INTERCEPTION_MODE = "sidecar.istio.io/interceptionMode"
"""Annotation that chooses how the sidecar intercepts inbound traffic."""
INJECTION_STATUS = "sidecar.istio.io/status"
"""Annotation that Istio's injector leaves on every pod it has injected."""
INBOUND_PORTS = "traffic.sidecar.istio.io/includeInboundPorts"
POD_SECURITY = "pod-security.kubernetes.io/"
KUBEVIRT_INTERFACES = "traffic.sidecar.istio.io/kubevirtInterfaces"
VIRTUAL_INTERFACES = "istio.io/reroute-virtual-interfaces"
PROXY_CONFIG = "proxy.istio.io/config"
BACKEND_TYPE = "service.beta.kubernetes.io/backend-type"
"""Annotation of Alibaba Cloud's cloud controller: ``eni`` or ``ecs``."""
SHARING_KEYS = (
    "metallb.io/allow-shared-ip",
    "metallb.universe.tf/allow-shared-ip",
    "lbipam.cilium.io/sharing-key",
    "io.cilium/lb-ipam-sharing-key",
    "purelb.io/allow-shared-ip",
)
"""Annotations by which Services share an address, of MetalLB, Cilium and PureLB."""
AZURE_PLS_PROXY_PROTOCOL = "service.beta.kubernetes.io/azure-pls-proxy-protocol"
"""Annotation of Azure's cloud controller: the PROXY protocol of a Private Link Service."""
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation in which client-side ``kubectl apply`` keeps the manifest as the user wrote it."""
GATEWAY_SERVICE_TYPE: Final = "networking.istio.io/service-type"
"""Annotation by which a Gateway asks Istio for another type of Service."""
