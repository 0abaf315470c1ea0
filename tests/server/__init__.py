"""The server, really listening: TLS, HTTP, readiness, metrics, start and stop."""
