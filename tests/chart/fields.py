"""Every field of a kind, as the API server itself describes it."""

from tests.chart.helm import Json
from tests.controlplane import ControlPlane


def fields_of(plane: ControlPlane, api: str, kind: str) -> set[str]:
    """Name every field of a type, on all levels: ``rules.scope``.

    Args:
        plane: Whose API server is asked.
        api: Group and version, such as ``apis/apps/v1``, or ``api/v1``.
        kind: The kind.
    """
    schemas = plane.api.json("GET", f"/openapi/v3/{api}")["components"]["schemas"]
    (schema,) = (schemas[name] for name in schemas if name.endswith(f".{kind}"))
    return {shortened(name.split(".")) for name in _fields(schemas, schema)}


def shortened(parts: list[str]) -> str:
    """Name a field; of metadata, which has the same type everywhere, in two parts."""
    return ".".join(parts[:2] if parts[0] == "metadata" else parts)


def _fields(schemas: Json, node: Json) -> list[str]:
    for part in node.get("allOf", []):
        node = {**node, **part}
    if "$ref" in node:
        node = schemas[node["$ref"].rpartition("/")[2]]
    if node.get("type") == "array":
        return _fields(schemas, node["items"])
    found = []
    for name, child in node.get("properties", {}).items():
        below = _fields(schemas, child)
        found += [f"{name}.{each}" for each in below] or [name]
    return found
