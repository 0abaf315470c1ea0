"""For each reason of an audit the smallest cluster that shows it, beside the namespace shop."""

from typing import Any, Final

from tests.unit.audit.objects import (
    BEFORE,
    BETWEEN,
    Object,
    controlled,
    namespace,
    node,
    pod,
    proxy,
    service,
    slice_of,
    tproxy,
    workload,
)
from webhook.admission.decision import Reason
from webhook.admission.pods import PodReason
from webhook.admission.services import ServiceReason
from webhook.audit.findings import AuditReason

MODE: Final = "sidecar.istio.io/interceptionMode"
CONFIG: Final = "proxy.istio.io/config"
CLUSTER: Final = '{"spec":{"externalTrafficPolicy":"Cluster"}}'
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
OURS: Final = controlled("ReplicaSet", "sleep-7d4")
SET: Final = workload("ReplicaSet", "sleep-7d4", owners=controlled("Deployment", "sleep"))
GATEWAY: Final = workload(name="gateway", labels={"istio": "ingressgateway"}, replicas=0)
CRASHING: Final = {
    "phase": "Running",
    "containerStatuses": [
        {"name": "sleep", "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    ],
}
NODES: Final = (node("n1"), node("n2"), node("n3"))


def of_deployment(*pods: Object, **template: Any) -> tuple[Object, ...]:
    """Put Pods of the Deployment sleep into a cluster, with what made them."""
    return (*pods, SET, workload(**template))


def chosen(**template: Any) -> tuple[Object, ...]:
    """Put an ordinary Pod of the Deployment sleep into a cluster, whose template is none."""
    return of_deployment(pod(owners=OURS), **template)


OF_AUDIT: Final[dict[AuditReason, tuple[Object, ...]]] = {
    AuditReason.CREATED_BEFORE_LABEL: of_deployment(pod(owners=OURS, created=BEFORE)),
    AuditReason.CREATED_BEFORE_WEBHOOK: of_deployment(pod(owners=OURS, created=BETWEEN)),
    AuditReason.MISSED: of_deployment(pod(owners=OURS)),
    AuditReason.ANNOTATION_WITHOUT_EFFECT: of_deployment(
        pod(owners=OURS, annotations={MODE: "TPROXY"})
    ),
    AuditReason.NO_SIDECAR: of_deployment(
        pod(mode=None, owners=OURS, labels={"sidecar.istio.io/inject": "true"})
    ),
    AuditReason.PROXY_NOT_PRIVILEGED: of_deployment(
        tproxy(owners=OURS, containers=[proxy("TPROXY", runAsUser=1337)])
    ),
    AuditReason.CRASH_LOOPING: of_deployment(tproxy(owners=OURS, status=CRASHING)),
    AuditReason.SWITCHED_BACK: (service(written=("helm", "Update", "2026-05-01T00:00:00Z")),),
    AuditReason.NO_READY_ENDPOINT: (service(policy="Local"), GATEWAY),
    AuditReason.ONE_NODE: (service(policy="Local"), slice_of("gateway", "n1"), *NODES, GATEWAY),
    AuditReason.FEWER_NODES: (service(policy="Local"), slice_of("gateway", "n1", "n2"), *NODES),
    AuditReason.NO_HEALTH_CHECK_PORT: (
        service(policy="Local", healthCheckNodePort=0),
        slice_of("gateway", "n1", "n2", "n3"),
        *NODES,
    ),
    AuditReason.LOCAL_HARMS: (
        service(policy="Local", loadBalancerClass="io.cilium/l2-announcer"),
        slice_of("gateway", "n1", "n2", "n3"),
        *NODES,
    ),
    AuditReason.GATEWAY_NOT_OPTED_IN: (
        namespace("istio-ingress", None),
        service(namespace="istio-ingress"),
    ),
}
"""All but what only a look into a running Pod shows."""
OF_RULES: Final[dict[Reason, tuple[Object, ...]]] = {
    PodReason.EXPLICIT_MODE: chosen(annotations={MODE: "REDIRECT"}),
    PodReason.INVALID_MODE: chosen(annotations={MODE: "tproxy"}),
    PodReason.PROXY_CONFIG_MODE: chosen(annotations={CONFIG: "interceptionMode: REDIRECT"}),
    PodReason.INVALID_PROXY_CONFIG: chosen(annotations={CONFIG: "interceptionMode: tproxy"}),
    PodReason.UNREAD_PROXY_CONFIG: chosen(annotations={CONFIG: "interceptionMode: 0x1"}),
    PodReason.PROXY_SECURITY_CONTEXT: chosen(
        containers=[{"name": "istio-proxy", "securityContext": {"runAsUser": 1234}}]
    ),
    ServiceReason.EXPLICIT_CLUSTER: (service(annotations={LAST_APPLIED: CLUSTER}),),
}
"""What a person chose, by the word of the rule that respects it."""
EVERY_KIND: Final = (
    *(
        each
        for number, (kind, api_version) in enumerate(
            (
                ("StatefulSet", "apps/v1"),
                ("DaemonSet", "apps/v1"),
                ("ReplicationController", "v1"),
                ("CronJob", "batch/v1"),
            )
        )
        for each in (
            pod(f"p-{number}", owners=controlled(kind, "sleep", api_version)),
            workload(kind),
        )
    ),
    pod("j", owners=controlled("Job", "sleep", "batch/v1")),
    workload("Job", "sleep", owners=controlled("CronJob", "sleep", "batch/v1")),
    service("set", "Local"),
    service(namespace="istio-ingress"),
    namespace("istio-ingress", None),
    {
        "kind": "VirtualService",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "gateways": ["istio-ingress/web"],
            "http": [{"route": [{"destination": {"host": "web"}}]}],
        },
    },
)
"""What makes an audit read all that it ever reads, beside the above."""
