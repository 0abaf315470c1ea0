"""What commands change in this process, and must not stay."""

import pytest


@pytest.fixture(autouse=True)
def unchanged(restored_logs: None) -> None:
    """Leave logging as it was found, after every command."""
