"""What webhook.cluster writes, on a real API server."""
