"""The webhook of most tutorials: FastAPI, the body as a ``dict``, a copy, and a diff of the two."""
