"""Longer than a test: the decision and the server under a million requests that nobody would send.

``python -m tests.fuzz.review`` lets atheris look for bytes that break the decision,
``python -m tests.fuzz.requests`` sends requests to the real server, ``python -m tests.fuzz.huge``
measures what the largest ones cost, and ``python -m tests.fuzz.attacks`` what one client that is
allowed nothing can do to polite ones. Figures are in docs/reliability.md.
"""
