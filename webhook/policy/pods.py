"""East-west in CEL: every rule of ``webhook.admission.pods``, or the sentence why not."""

from collections.abc import Mapping
from typing import Final

from webhook.admission import pods
from webhook.admission.decision import CommonReason
from webhook.admission.pods import SYSTEM_NAMESPACES, PodReason
from webhook.admission.proxy_config import LONGEST
from webhook.labels import (
    DATAPLANE_MODE,
    GATEWAY_NAME,
    INBOUND_PORTS,
    INJECT,
    INJECTION_STATUS,
    INTERCEPTION_MODE,
    KUBEVIRT,
    KUBEVIRT_INTERFACES,
    MANAGED_GATEWAY,
    MIRROR,
    NAMESPACE_INJECTION,
    OS_LABELS,
    POD_SECURITY,
    PROXY_CONFIG,
    REVISION,
    TEMPLATES,
    VIRTUAL_INTERFACES,
)
from webhook.policy.cel import InCel, Rule, literal, says

_CONTAINERS: Final = "object.spec.?containers.orValue([]) + object.spec.?initContainers.orValue([])"

FACTS: Final = {
    "injected": f"'{INJECTION_STATUS}' in variables.annotations",
    "mode": f"variables.annotations[?'{INTERCEPTION_MODE}']",
    "containers": _CONTAINERS,
    "askedFor": (
        f"variables.namespaceLabels[?'{NAMESPACE_INJECTION}'].orValue('') == 'enabled' ||\n"
        f"'{REVISION}' in variables.namespaceLabels ||\n"
        f"variables.labels[?'{INJECT}'].orValue('') == 'true' ||\n"
        f"'{REVISION}' in variables.labels"
    ),
    "proxyConfig": f"variables.annotations[?'{PROXY_CONFIG}'].orValue('')",
}
"""Variables that the rules read."""

FACTS_AFTER_INJECTION: Final = {
    "injected": "false",
    "mode": (
        f"'{INJECTION_STATUS}' in variables.annotations &&\n"
        f"variables.annotations[?'{INTERCEPTION_MODE}'].orValue('') == 'REDIRECT' ?\n"
        f"optional.none() : variables.annotations[?'{INTERCEPTION_MODE}']"
    ),
    "containers": (
        f"({_CONTAINERS}).filter(c,\n"
        f"!('{INJECTION_STATUS}' in variables.annotations) || c.name != 'istio-proxy')"
    ),
}
"""What takes their place where Istio's injector has been: the pod as it was before.

With istio-cni the injector writes its own REDIRECT into the annotation, so one on an injected pod
is taken for none.
"""

_FIELD: Final = "interception(Mode|_mode)[\"']?\\s*:\\s*"
_END: Final = "[\"']?[ \\t]*([,}\\r\\n]|$)"
"""What stands before a mode, and after it, in YAML and in JSON."""
_CHOSEN: Final = f"variables.proxyConfig.matches(r'''{_FIELD}[\"']?(REDIRECT|NONE|0|2){_END}''')"
_HARMLESS: Final = (
    f"variables.proxyConfig.matches(r'''{_FIELD}([\"']?(TPROXY|1){_END}|$)"
    "|(?m:^\\s*#[^\\n:]*interception[^\\n:]*$)''')"
)
_ONCE: Final = (
    f"variables.proxyConfig.size() <= {LONGEST} &&\n"
    "variables.proxyConfig.split('interception').size() == 2"
)
"""The only mention of the field; long texts are not read, as in ``proxy_config``."""

_BREAKS_TPROXY: Final = """\
!(c.?securityContext.?runAsUser.orValue(0) in [0, 1337]) ||
c.?securityContext.?runAsGroup.orValue(1337) != 1337 ||
c.?securityContext.?runAsNonRoot.orValue(false) ||
c.?securityContext.?capabilities.?add.orValue([]).size() > 0 &&
!c.securityContext.capabilities.add.exists(a, a in ['NET_ADMIN', 'ALL']) ||
'NET_ADMIN' in c.?securityContext.?capabilities.?drop.orValue([])"""

_WINDOWS: Final = "\n".join(
    (
        "object.spec.?os.?name.orValue('') == 'windows' ||",
        *(
            f"object.spec.?nodeSelector[?'{label}'].orValue('') == 'windows' ||"
            for label in OS_LABELS
        ),
        "object.spec.?securityContext.?windowsOptions.?hostProcess.orValue(false) ||",
        "variables.containers.exists(c,",
        "c.?securityContext.?windowsOptions.?hostProcess.orValue(false))",
    )
)

RULES: Final[Mapping[Rule, InCel]] = {
    pods.mirror_pod: InCel.of(says(PodReason.MIRROR_POD, f"'{MIRROR}' in variables.annotations")),
    pods.system_namespace: InCel.of(
        says(
            PodReason.SYSTEM_NAMESPACE,
            f"request.namespace in {literal(sorted(SYSTEM_NAMESPACES))}",
        )
    ),
    pods.already_injected: InCel.of(
        says(
            CommonReason.ALREADY_SET, "variables.injected && variables.mode.orValue('') == 'TPROXY'"
        ),
        says(PodReason.ALREADY_INJECTED, "variables.injected"),
    ),
    pods.host_network: InCel.of(
        says(PodReason.HOST_NETWORK, "object.spec.?hostNetwork.orValue(false)")
    ),
    pods.injection_refused: InCel.of(
        says(
            PodReason.INJECTION_REFUSED,
            f"variables.labels[?'{INJECT}'].or(",
            f"variables.annotations[?'{INJECT}']).orValue('') == 'false'",
        )
    ),
    pods.namespace_not_injected: InCel.of(
        says(
            PodReason.NAMESPACE_NOT_INJECTED,
            f"variables.namespaceLabels[?'{NAMESPACE_INJECTION}'].orValue('enabled') != 'enabled'",
        )
    ),
    pods.other_template: InCel.of(
        says(
            PodReason.OTHER_TEMPLATE,
            f"'{TEMPLATES}' in variables.annotations &&",
            f"!variables.annotations['{TEMPLATES}'].split(',').exists(t,",
            "t.trim() in variables.sidecarTemplates)",
        )
    ),
    pods.gateway: InCel.of(
        says(
            PodReason.GATEWAY,
            f"'{MANAGED_GATEWAY}' in variables.labels || '{GATEWAY_NAME}' in variables.labels ||",
            "object.spec.?containers.orValue([]).exists(c,",
            "c.?args.orValue([]).size() > 1 && c.args[0] == 'proxy' && c.args[1] == 'router')",
        )
    ),
    pods.ambient: InCel.of(
        says(
            PodReason.AMBIENT,
            f"variables.labels[?'{DATAPLANE_MODE}'].or(",
            f"variables.namespaceLabels[?'{DATAPLANE_MODE}']).orValue('') == 'ambient' &&",
            "!variables.askedFor",
        )
    ),
    pods.windows: InCel.of(says(PodReason.WINDOWS, _WINDOWS)),
    pods.inbound_not_captured: InCel.of(
        says(
            PodReason.INBOUND_NOT_CAPTURED,
            f"variables.annotations[?'{INBOUND_PORTS}'].orValue('*') == ''",
        )
    ),
    pods.mode_chosen: InCel.of(
        says(CommonReason.ALREADY_SET, "variables.mode.orValue('') == 'TPROXY'"),
        says(PodReason.EXPLICIT_MODE, "variables.mode.orValue('') in ['REDIRECT', 'NONE']"),
        says(PodReason.INVALID_MODE, "variables.mode.hasValue()"),
    ),
    pods.proxy_config_mode: InCel.of(
        says(PodReason.PROXY_CONFIG_MODE, f"{_ONCE} &&", _CHOSEN),
        says(
            PodReason.UNREAD_PROXY_CONFIG,
            "variables.proxyConfig.contains('interception') &&",
            f"!({_ONCE} &&",
            f"{_HARMLESS})",
        ),
        differs=(
            f"CEL reads no YAML. The annotation {PROXY_CONFIG} is searched for the field that "
            "chooses the mode. Where it is not plain that it chooses TPROXY or nothing, the Pod is "
            "left alone."
        ),
    ),
    pods.kubevirt: InCel.of(
        says(
            PodReason.KUBEVIRT,
            f"variables.labels[?'{KUBEVIRT}'].orValue('') == 'virt-launcher' ||",
            f"'{KUBEVIRT_INTERFACES}' in variables.annotations",
        )
    ),
    pods.virtual_interfaces: InCel.of(
        says(PodReason.VIRTUAL_INTERFACES, f"'{VIRTUAL_INTERFACES}' in variables.annotations")
    ),
    pods.sandboxed: InCel.of(
        says(
            PodReason.SANDBOXED,
            "object.spec.?runtimeClassName.orValue('') in variables.sandboxedRuntimeClasses",
        )
    ),
    pods.inbound_localhost: InCel.of(
        says(PodReason.INBOUND_LOCALHOST, "variables.inboundLocalhost")
    ),
    pods.loopback_ingress: InCel.none(
        "A policy reads no other objects, so Sidecar resources are not known to it. A Pod whose "
        "Sidecar leads its inbound connections to loopback gets TPROXY, with which nobody reaches "
        "it any more: give the Pod template of such a workload the opt-out label."
    ),
    pods.proxy_security_context: InCel.of(
        says(
            PodReason.PROXY_SECURITY_CONTEXT,
            "variables.containers.exists(c, c.name == 'istio-proxy' && (",
            f"{_BREAKS_TPROXY}))",
        )
    ),
    pods.pod_security: InCel.of(
        says(
            PodReason.POD_SECURITY,
            "!variables.ignorePodSecurity &&",
            f"variables.namespaceLabels[?'{POD_SECURITY}enforce'].orValue('privileged') !=",
            "'privileged'",
        )
    ),
    pods.not_injected: InCel.of(
        says(PodReason.NOT_INJECTED, "variables.requireInjectionLabel && !variables.askedFor")
    ),
}
"""The rules; their order is that of the webhook."""

MESSAGE: Final = (
    f"'this Pod has no {INTERCEPTION_MODE} TPROXY and will see 127.0.0.6 as its client: '\n"
    "+ 'create it again, once source-ip-webhook is back, or opt it out'"
)
"""What a person is told of a Pod that lacks the setting; at most 120 characters read well."""
