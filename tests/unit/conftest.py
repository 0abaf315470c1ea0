"""What several rooms' tests change in this process, and must not stay."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def restored_logs() -> Iterator[None]:
    """Leave logging as it was found."""
    before = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:], logging.root.level = before
