"""Our MutatingWebhookConfiguration, pointed at a process on loopback."""

import base64
from typing import Any

NAME = "0-source-ip-webhook"
"""Sorts before ``istio-sidecar-injector``: the API server calls configurations in that order."""

KEY = "source-ip-preservation"

Json = dict[str, Any]

_NEVER = ("kube-system", "kube-node-lease", "source-ip")
"""Kubernetes' own namespaces, and that of the chart's release, which must not wait for itself."""

_NEW_OR_SET_BACK = (
    "oldObject == null || oldObject.spec.type != object.spec.type || "
    "has(oldObject.spec.externalTrafficPolicy) && "
    "oldObject.spec.externalTrafficPolicy == 'Local' && "
    "has(object.spec.externalTrafficPolicy) && object.spec.externalTrafficPolicy == 'Cluster'"
)
"""Of the updates only those that make a load balancer, and those that take ``Local`` away."""


def configuration(url: str, ca: bytes, *, failure_policy: str = "Ignore") -> Json:
    """Make the configuration.

    Args:
        url: Where reviews are answered.
        ca: Certificate in PEM of the authority that vouches for it.
        failure_policy: What the API server does when nobody answers.
    """
    common = {
        "clientConfig": {"url": url, "caBundle": base64.b64encode(ca).decode()},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 2,
        "failurePolicy": failure_policy,
        "reinvocationPolicy": "Never",
        "objectSelector": {"matchExpressions": [_expression(KEY, "NotIn", "disabled")]},
    }
    services = {
        "name": "services.source-ip-webhook.io",
        "rules": [_rule("services", "CREATE", "UPDATE")],
        "namespaceSelector": _namespaces("north-south"),
        "matchConditions": [
            {"name": "load-balancer", "expression": "object.spec.type == 'LoadBalancer'"},
            {"name": "new-or-set-back-to-cluster", "expression": _NEW_OR_SET_BACK},
        ],
        **common,
    }
    pods = {
        "name": "pods.source-ip-webhook.io",
        "rules": [_rule("pods", "CREATE")],
        "namespaceSelector": _namespaces("east-west"),
        **common,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [pods, services],
    }


def _rule(resource: str, *operations: str) -> Json:
    return {
        "operations": list(operations),
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": [resource],
        "scope": "Namespaced",
    }


def _namespaces(half: str) -> Json:
    """Select the namespaces that ask for a half, and never Kubernetes' own or the service's."""
    return {
        "matchExpressions": [
            _expression(KEY, "In", "enabled", half),
            _expression("kubernetes.io/metadata.name", "NotIn", *_NEVER),
        ]
    }


def _expression(key: str, operator: str, *values: str) -> Json:
    return {"key": key, "operator": operator, "values": list(values)}
