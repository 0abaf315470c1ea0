"""The objects that a managed deployment needs, with the rights that the documentation lists."""

import json
from typing import Any

from tests.e2e.registration import configuration

SECRET = "source-ip-webhook-tls"  # noqa: S105  a name, not the thing

Json = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"


def manifest(name: str) -> str:
    """Write namespace, ServiceAccount, roles and bindings for kubectl."""
    account = {"kind": "ServiceAccount", "name": name, "namespace": name}
    metadata = {"name": name, "namespace": name}
    rules = {"ClusterRole": cluster_rules(name), "Role": secret_rules()}
    objects: list[Json] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
    ]
    for kind, of_kind in rules.items():
        common: Json = {"apiVersion": f"{_RBAC}/v1", "metadata": metadata}
        reference = {"apiGroup": _RBAC, "kind": kind, "name": name}
        objects += [
            {**common, "kind": kind, "rules": of_kind},
            {**common, "kind": f"{kind}Binding", "roleRef": reference, "subjects": [account]},
        ]
    return "\n---\n".join(map(json.dumps, objects))


def cluster_rules(name: str, *verbs: str) -> list[Json]:
    """List the rights on what is in no namespace; without verbs those of the documentation."""
    return [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]},
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations"],
            "resourceNames": [name],
            "verbs": verbs or ["get", "watch", "patch"],
        },
    ]


def secret_rules() -> list[Json]:
    """List the rights in the own namespace."""
    secrets: Json = {"apiGroups": [""], "resources": ["secrets"]}
    return [
        {**secrets, "resourceNames": [SECRET], "verbs": ["get", "patch"]},
        {**secrets, "verbs": ["create"]},
    ]


def registration(name: str, port: int) -> str:
    """Write a configuration that fails closed and has no caBundle, as the chart's."""
    url = f"https://127.0.0.1:{port}/mutate"
    body = configuration(url, b"", failure_policy="Fail")
    body["metadata"]["name"] = name
    for webhook in body["webhooks"]:
        webhook["clientConfig"] = {"url": url}
        webhook["timeoutSeconds"] = 10  # a busy machine must not look like a fault
    return json.dumps(body)
