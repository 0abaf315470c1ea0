"""Managed certificates on a real API server with failurePolicy Fail, while Pods are created."""
