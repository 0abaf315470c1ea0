"""Situations as requests: what the table leaves out, and the API server insists on."""

import copy
from typing import Any, Final

from tests.situations import POLICY, Situation

Json = dict[str, Any]

GROUP: Final = "policy.tests.example.org"
"""Group of the kinds that stand in for Pods and Services: they take any field with any value."""
PLURALS: Final = {"Pod": "pods", "Service": "services"}


def definition(kind: str) -> Json:
    """Define the kind that stands in for another one."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURALS[kind]}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": PLURALS[kind]},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": anything},
                }
            ],
        },
    }


def objects_path(situation: Situation, namespace: str, *, stand_in: bool = False) -> str:
    """Tell where objects of the situation's kind are created."""
    group = f"/apis/{GROUP}/v1" if stand_in else "/api/v1"
    return f"{group}/namespaces/{namespace}/{PLURALS[situation.kind]}"


def complete(
    situation: Situation, made: Json, name: str, namespace: str, labels: dict[str, str]
) -> Json:
    """Make an object that the API server takes, with all that the rules look at left as it is.

    Args:
        situation: Whose object it is.
        made: The object of the table, new or old.
        name: What it is called.
        namespace: Where it goes.
        labels: Its labels, with the key that this situation's policies know.
    """
    body = copy.deepcopy(made)
    body |= {"apiVersion": "v1", "kind": situation.kind}
    metadata = body["metadata"]
    metadata.pop("generateName", None)
    metadata |= {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = labels
    for owner in metadata.get("ownerReferences", ()):
        owner.setdefault("uid", "11111111-2222-3333-4444-555555555555")
    spec = body["spec"]
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        container.setdefault("image", "example.org/c")
    for container in spec.get("initContainers", ()):
        if container["name"] == "c":  # there is such a container already
            container["name"] = "init"
    if situation.kind == "Service":
        spec.setdefault("ports", [{"port": 80}])
    if "healthCheckNodePort" in spec:  # one Service has it only; low ones are given out last
        spec["healthCheckNodePort"] = 30000 + int(name.lstrip("s")) % 80
    if spec.get("type") == "ExternalName":
        spec["externalName"] = "example.org"
    return body


def applied(body: Json) -> Json | None:
    """Turn an object whose fields somebody has applied into what was applied.

    Returns:
        The manifest for server-side apply; ``None`` where nothing tells that this was the way.
    """
    entries = body["metadata"].pop("managedFields", ())
    fields = [
        entry.get("fieldsV1", {}).get("f:spec", {})
        for entry in entries
        if entry["operation"] == "Apply"
    ]
    if not fields:
        return None
    if not any(f"f:{POLICY}" in each for each in fields):
        del body["spec"][POLICY]
    return body
