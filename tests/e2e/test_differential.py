"""preview reads what kubectl reads: the table of tricky texts, read by the real one."""

import io
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.absence import skipped_without_binaries
from tests.controlplane.components import find
from tests.differential import kubectl
from tests.differential.texts import READ, REFUSED
from webhook.manifests.objects import find_objects
from webhook.offline import render
from webhook.offline.preview import build_preview

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


def test_stream_of_several_files(tmp_path: Path) -> None:
    """What preview writes of JSON and YAML files together, kubectl reads whole."""
    texts = [
        text
        for name, (text, _) in READ.items()
        if isinstance(text, str) and name != "JSON with tabs and long keys"
    ]
    files = [find_objects("f", text) for text in ('{"apiVersion": "v1", "kind": "A"}', *texts)]
    stream = io.StringIO()
    render.write(build_preview(files), render.Output.YAML, stream)
    path = tmp_path / "stream.yaml"
    path.write_text(stream.getvalue(), newline="")
    objects, errors = kubectl.read([path])
    assert not errors
    data = [manifest.data for file in files for manifest in file.manifests]
    assert objects == [shown for each in data for shown in kubectl.shown(each)]


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str, tmp_path: Path) -> None:
    """The real kubectl refuses a text, as the table says."""
    path = tmp_path / "f.yaml"
    path.write_text(text)
    assert kubectl.read([path]).errors
