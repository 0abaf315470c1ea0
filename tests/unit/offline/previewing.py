"""Manifests in a line, and previews of them."""

import json
from typing import Any

from webhook.manifests.objects import find_objects
from webhook.offline.preview import Preview, build_preview


def text(kind: str, *, api_version: str = "v1", **fields: Any) -> str:
    """Write an object as JSON, one document."""
    metadata = {"name": "x", **fields.pop("metadata", {})}
    body = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
    return json.dumps(body) + "\n---\n"


def deployment(template: dict[str, Any], **metadata: Any) -> str:
    """Write a Deployment."""
    spec = {"template": template}
    return text("Deployment", api_version="apps/v1", metadata=metadata, spec=spec)


def foresee(*texts: str, **choices: Any) -> Preview:
    """Preview a file."""
    return build_preview([find_objects("f.yaml", "".join(texts))], **choices)


def reasons(*texts: str, **choices: Any) -> list[str]:
    """List the reasons."""
    return [forecast.reason for forecast in foresee(*texts, **choices).forecasts]
