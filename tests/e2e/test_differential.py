"""preview reads what kubectl reads: the table of tricky texts, read by the real one."""

from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.absence import skipped_without_binaries
from tests.controlplane.components import find
from tests.differential import kubectl
from tests.differential.texts import READ, REFUSED

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True, scope="module")
def binary() -> None:
    """Skip these tests where there is no kubectl; in CI let them fail instead."""
    with skipped_without_binaries():
        find("kubectl")


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_read(text: str | bytes, expected: list[Any], tmp_path: Path) -> None:
    """The real kubectl reads a tricky text as the table says."""
    path = tmp_path / "f.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    objects, errors = kubectl.read([path])
    assert objects == [shown for data in expected for shown in kubectl.shown(data)]
    assert not errors or "no objects passed" in errors


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str, tmp_path: Path) -> None:
    """The real kubectl refuses a text, as the table says."""
    path = tmp_path / "f.yaml"
    path.write_text(text)
    assert kubectl.read([path]).errors
