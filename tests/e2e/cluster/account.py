"""The ServiceAccount that the tests of this folder write with, and its rights."""

from typing import Any

NAME = "cluster-writes"
"""Of namespace, ServiceAccount, roles, Secret and configuration."""
SECRETS = f"/api/v1/namespaces/{NAME}/secrets"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PATH = f"{CONFIGURATIONS}/{NAME}"

Json = dict[str, Any]


def rights() -> list[Json]:
    """List the account's roles and their bindings."""
    one = {"resourceNames": [NAME]}
    secrets = {"apiGroups": [""], "resources": ["secrets"]}
    configurations = {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": ["mutatingwebhookconfigurations"],
    }
    rules = {
        "ClusterRole": [{**configurations, **one, "verbs": ["get", "watch", "patch"]}],
        "Role": [
            {**secrets, **one, "verbs": ["get", "patch"]},
            {**secrets, "verbs": ["create"]},
        ],
    }
    group = "rbac.authorization.k8s.io"
    common: Json = {"apiVersion": f"{group}/v1", "metadata": {"name": NAME}}
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAME}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}},
        *({**common, "kind": kind, "rules": of_kind} for kind, of_kind in rules.items()),
        *(
            {
                **common,
                "kind": f"{kind}Binding",
                "roleRef": {"apiGroup": group, "kind": kind, "name": NAME},
                "subjects": [account],
            }
            for kind in rules
        ),
    ]
