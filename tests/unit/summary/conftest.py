"""An API server that has the ConfigMap, and a client for it."""

from tests.unit.cluster.conftest import (
    anyio_backend,
    entries,
    environment,
    metrics,
    scripted,
    writer,
)

__all__ = ["anyio_backend", "entries", "environment", "metrics", "scripted", "writer"]
