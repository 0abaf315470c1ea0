"""Namespaces from a file."""

from pathlib import Path

import anyio
import pytest

from webhook.namespaces import Namespaces
from webhook.namespaces.file import FileNamespaces, NamespacesError

pytestmark = pytest.mark.anyio

GOOD = """\
apiVersion: v1
kind: Namespace
metadata:
  name: a
  labels: {source-ip-preservation: enabled, answer: "yes"}
status: {phase: Active}
---
# nothing here
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata: {name: b, labels: {x: "1"}}
- apiVersion: v1
  kind: Namespace
  metadata: {name: c}
---
apiVersion: v1
kind: Namespace
metadata: {name: c, labels: {x: "2"}}
"""

NAMESPACE = "apiVersion: v1\nkind: Namespace\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a file."""
    return tmp_path / "namespaces.yaml"


@pytest.fixture
def source(path: Path) -> Namespaces:
    """Load a file with a bit of everything."""
    path.write_text(GOOD)
    return FileNamespaces.load(path)


async def test_documents_and_lists_are_read(source: Namespaces) -> None:
    """Documents and Lists give labels, the last word on a namespace counts, the rest is empty."""
    assert source.known
    assert await source.labels("a") == {"source-ip-preservation": "enabled", "answer": "yes"}
    assert await source.labels("b") == {"x": "1"}
    assert await source.labels("c") == {"x": "2"}
    assert await source.labels("d") == {}
    assert await source.confirm("b") == {"x": "1"}


async def test_run_waits_to_be_cancelled(source: Namespaces) -> None:
    """Nothing changes, so run() neither ends nor does anything."""
    with anyio.move_on_after(0.05) as scope:
        await source.run()
    assert scope.cancelled_caught


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a: b\nc: ]", "namespaces.yaml, line 2: not YAML: "),
        ("a: 1\na: 2", 'namespaces.yaml, line 2: not YAML: the key "a" is there twice in one'),
        ("a: \x00", "namespaces.yaml, line 1: not YAML: control characters are not allowed;"),
        ("a: .inf", "namespaces.yaml, line 1: not YAML: kubectl cannot read this document: .inf"),
        ("a: 1\n...\nb: 2", "namespaces.yaml, line 2: not YAML: kubectl reads nothing from here"),
        ("a: 2024-13-45", "document 1: found an object without a kind where a v1"),
        ("[" * 1000 + "]" * 1000, "namespaces.yaml, line 1: not YAML: this document is nested too"),
        ("hello", "document 1: not a Namespace with a name and labels: Expected `object`"),
        ("---\n---\nkind: Pod\napiVersion: v1", "document 2: found v1 Pod where a v1 Namespace"),
        ("apiVersion: v2\nkind: Namespace", "document 1: found v2 Namespace where a v1"),
        ("metadata: {name: a}", "document 1: found an object without a kind where a v1"),
        ("apiVersion: v1\nkind: List\nitems: [{kind: Pod}]", "found Pod where a v1 Namespace"),
        ("apiVersion: v1\nkind: List\nitems: [1]", "Expected `object`, got `int`"),
        (NAMESPACE, "missing required field `metadata`"),
        (NAMESPACE + "metadata: {}", "missing required field `name`"),
        (NAMESPACE + "metadata: {name: ''}", "Expected `str` of length >= 1"),
        (NAMESPACE + "metadata: {name: a, labels: {x: true}}", 'write "true", not true'),
        (NAMESPACE + "metadata: {name: a, labels: {x: yes}}", 'write "true", not true'),
    ],
)
def test_unusable_content_is_named(path: Path, content: str, sentence: str) -> None:
    """A file that holds something else is refused with one line that says what and where."""
    path.write_text(content)
    with pytest.raises(NamespacesError) as caught:
        FileNamespaces.load(path)
    assert str(path) in str(caught.value)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreadable_file_is_named(tmp_path: Path, path: Path) -> None:
    """A file that is missing, is a folder, or is no text is refused with its reason."""
    with pytest.raises(NamespacesError, match="No such file or directory; name a file"):
        FileNamespaces.load(path)
    with pytest.raises(NamespacesError, match="Is a directory; name a file"):
        FileNamespaces.load(tmp_path)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(NamespacesError, match="not YAML: 'utf-8' codec can't decode"):
        FileNamespaces.load(path)
