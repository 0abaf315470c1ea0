"""An API server that has Sidecars, and a client for it."""

from tests.unit.cluster.conftest import (
    anyio_backend,
    client,
    environment,
    kubeconfig,
    server,
    threads_end,
)
from tests.unit.namespaces.conftest import clock, metrics

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
