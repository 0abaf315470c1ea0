"""A clock that costs nothing, for requests that are made again after a pause."""

import types

import pytest


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pause before the next attempt be none."""
    clock = types.SimpleNamespace(sleep=lambda _seconds: None)
    monkeypatch.setattr("tenacity.nap.time", clock)
