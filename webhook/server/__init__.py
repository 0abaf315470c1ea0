"""The HTTP server: the review endpoint over TLS, health and metrics beside it, start and stop."""
