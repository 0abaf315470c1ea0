"""A source of labels, and the API server and the client that it uses."""

from tests.unit.cluster.conftest import (
    anyio_backend,
    client,
    clock,
    environment,
    kubeconfig,
    metrics,
    namespaces,
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
    "namespaces",
    "server",
    "threads_end",
]
