"""What becomes of tests whose binaries are nowhere."""

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.controlplane.components import ComponentMissingError


@contextlib.contextmanager
def skipped_without_binaries() -> Iterator[None]:
    """Skip what needs a binary that is missing, saying which; in CI let it fail instead."""
    try:
        yield
    except ComponentMissingError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
