"""kopf's admission server, the usual way to write one in Python without writing a server."""
