"""An API server that has Sidecars, and a client for it."""

from tests.unit.cluster.conftest import (
    anyio_backend,
    client,
    clock,
    environment,
    kubeconfig,
    metrics,
    server,
    threads_end,
)

__all__ = [
    "anyio_backend",
    "client",
    "clock",
    "environment",
    "kubeconfig",
    "metrics",
    "server",
    "threads_end",
]
