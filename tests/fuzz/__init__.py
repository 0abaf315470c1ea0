"""Longer than a test: the decision and the server under a million requests that nobody would send.

``python -m tests.fuzz.review`` lets atheris look for bytes that break the decision,
``python -m tests.fuzz.requests`` sends requests to the real server, ``python -m tests.fuzz.huge``
measures what the largest ones cost. Figures are in docs/reliability.md.
"""
