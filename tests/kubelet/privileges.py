"""What becomes of tests that may not do what a node does."""

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.kubelet.errors import PrivilegeMissingError
from tests.kubelet.network import ClusterNetwork


@contextlib.contextmanager
def cluster_network() -> Iterator[ClusterNetwork]:
    """Be in a network of its own; without root skip, saying why; in CI fail instead."""
    with contextlib.ExitStack() as stack:
        try:
            network = stack.enter_context(ClusterNetwork())
        except PrivilegeMissingError as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(missing))
        yield network
