"""North-south in CEL: every rule of ``webhook.admission.services``, or the sentence why not."""

from collections.abc import Mapping
from typing import Final

from webhook.admission import services
from webhook.admission.decision import CommonReason
from webhook.admission.services import CILIUM_L2_CLASS, LOCAL, ServiceReason
from webhook.labels import (
    AZURE_PLS_PROXY_PROTOCOL,
    BACKEND_TYPE,
    CONFIG_SYNC_DECLARED_CONFIG,
    CONFIG_SYNC_DECLARED_FIELDS,
    KAPP_ORIGINAL,
    KUBEVELA_LAST_APPLIED,
    LAST_APPLIED,
    MANAGED_GATEWAY,
    NETWORK,
    RANCHER_APPLIED,
    SHARING_KEYS,
)
from webhook.policy.cel import InCel, Rule, literal, says

_MANIFESTS: Final = (
    LAST_APPLIED,
    KUBEVELA_LAST_APPLIED,
    KAPP_ORIGINAL,
    CONFIG_SYNC_DECLARED_CONFIG,
    RANCHER_APPLIED,
)
"""Annotations that hold the manifest as JSON; Rancher's may be compressed."""

FACTS: Final = {
    "policy": "object.spec.?externalTrafficPolicy.orValue('')",
    "typeChanges": "oldObject == null || oldObject.spec.type != object.spec.type",
    "isSetBack": (
        "!variables.typeChanges &&\n"
        "oldObject.spec.?externalTrafficPolicy.orValue('') == 'Local' &&\n"
        "variables.policy == 'Cluster'"
    ),
    "healthCheckPort": "object.spec.?healthCheckNodePort.orValue(0)",
}
"""Variables that the rules read."""

CONDITIONS: Final = {
    "load-balancer": "object.spec.type in ['LoadBalancer', 'NodePort']",
    "new-type": "oldObject == null || oldObject.spec.type != object.spec.type",
}
"""What is asked before anything else, and costs little. In the place of options no variable can be
used there, so whether NodePort counts is decided later."""

_WRITTEN: Final = "\n".join(
    (
        "object.metadata.?managedFields.orValue([]).exists(m, m.operation == 'Apply' &&",
        "has(m.fieldsV1) && 'f:spec' in m.fieldsV1 &&",
        "'f:externalTrafficPolicy' in m.fieldsV1['f:spec']) ||",
        f"{literal(list(_MANIFESTS))}.exists(a, variables.annotations[?a].orValue('').matches(",
        'r\'(?s)^\\s*\\{.*"externalTrafficPolicy"\\s*:\\s*"Cluster".*\\}\\s*$\')) ||',
        f"variables.annotations[?'{CONFIG_SYNC_DECLARED_FIELDS}'].orValue('').matches(",
        "r'(?s)^\\s*\\{.*\"f:externalTrafficPolicy\".*\\}\\s*$') ||",
        f"variables.annotations[?'{RANCHER_APPLIED}'].orValue('').startsWith('H4sI')",
    )
)
"""Base64 of anything that gzip made begins with H4sI."""

RULES: Final[Mapping[Rule, InCel]] = {
    services.services_off: InCel.of(
        says(ServiceReason.SERVICES_OFF, "variables.serviceTrafficPolicy == 'never'")
    ),
    services.load_balancer: InCel.of(
        says(
            ServiceReason.NOT_LOAD_BALANCER,
            "object.spec.type != 'LoadBalancer' &&",
            "!(object.spec.type == 'NodePort' && variables.nodePorts)",
        )
    ),
    services.type_changes: InCel.of(
        says(ServiceReason.TYPE_UNCHANGED, "!variables.typeChanges && !variables.isSetBack")
    ),
    services.already_local: InCel.of(
        says(CommonReason.ALREADY_SET, f"variables.policy == '{LOCAL}'")
    ),
    services.invalid_policy: InCel.of(
        says(
            ServiceReason.INVALID_POLICY,
            "!(variables.policy in ['', 'Cluster']) ||",
            "variables.healthCheckPort != 0 && (oldObject == null ||",
            "oldObject.spec.?healthCheckNodePort.orValue(0) != variables.healthCheckPort)",
        )
    ),
    services.waypoint: InCel.of(
        says(
            ServiceReason.WAYPOINT,
            f"variables.labels[?'{MANAGED_GATEWAY}'].orValue('') == 'istio.io-mesh-controller'",
        )
    ),
    services.east_west_gateway: InCel.of(
        says(
            ServiceReason.EAST_WEST_GATEWAY,
            "!variables.eastWestGateways && (",
            f"'{NETWORK}' in variables.labels ||",
            f"variables.labels[?'{MANAGED_GATEWAY}'].orValue('') ==",
            "'istio.io-eastwest-controller')",
        )
    ),
    services.eni_load_balancer: InCel.of(
        says(
            ServiceReason.ENI_LOAD_BALANCER,
            "variables.serviceTrafficPolicy != 'always' &&",
            f"variables.annotations[?'{BACKEND_TYPE}'].orValue('') == 'eni'",
        )
    ),
    services.no_selector: InCel.of(
        says(
            ServiceReason.NO_SELECTOR,
            "!variables.servicesWithoutSelector &&",
            "object.spec.?selector.orValue({}).size() == 0",
        )
    ),
    services.shared_address: InCel.of(
        says(
            ServiceReason.SHARED_ADDRESS,
            "!variables.sharedAddresses &&",
            f"{literal(list(SHARING_KEYS))}.exists(a,",
            "variables.annotations[?a].orValue('') != '')",
        )
    ),
    services.cilium_l2: InCel.of(
        says(
            ServiceReason.CILIUM_L2,
            "!variables.ciliumL2 &&",
            f"object.spec.?loadBalancerClass.orValue('') == '{CILIUM_L2_CLASS}'",
        )
    ),
    services.azure_pls_proxy_protocol: InCel.of(
        says(
            ServiceReason.AZURE_PLS_PROXY_PROTOCOL,
            "!variables.azurePlsProxyProtocol &&",
            f"variables.annotations[?'{AZURE_PLS_PROXY_PROTOCOL}'].orValue('')",
            ".lowerAscii() == 'true'",
        )
    ),
    services.set_back_to_cluster: InCel.of(
        says(ServiceReason.SET_BACK_TO_CLUSTER, "variables.isSetBack")
    ),
    services.explicit_cluster: InCel.of(
        says(ServiceReason.EXPLICIT_CLUSTER, _WRITTEN),
        differs=(
            "CEL reads no JSON and unpacks nothing. The records that tools keep of a manifest are "
            "searched for a written Cluster; a compressed one, as Rancher and k3s keep it, counts "
            "as a written Cluster, whatever it says."
        ),
    ),
}
"""The rules; their order is that of the webhook."""

MESSAGE: Final = (
    "'externalTrafficPolicy is Cluster, which hides clients: kubectl -n ' + request.namespace +\n"
    "' patch service ' + object.metadata.name +\n"
    "''' -p '{\"spec\":{\"externalTrafficPolicy\":\"Local\"}}', or opt it out'''"
)
"""What a person is told of a Service that lacks the setting, with the command that sets it."""
