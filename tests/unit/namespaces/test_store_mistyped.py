"""Mistyped labels of namespaces are told where nothing else would tell of them."""

from pathlib import Path

from structlog.testing import capture_logs

from webhook.namespaces.file import FileNamespaces
from webhook.namespaces.store import MistypedLabels, Namespace, NamespaceMetadata, NamespaceStore

KEY = "source-ip-preservation"


def namespace(name: str, revision: str, value: str | None) -> Namespace:
    """Make a namespace with a value of the label; ``None``: without it."""
    return Namespace(NamespaceMetadata(name, revision, None if value is None else {KEY: value}))


def test_list_and_watch_tell_once() -> None:
    """A mistake is told once, again where it changes or comes back, and never what is in order."""
    store = NamespaceStore(MistypedLabels(KEY).check)
    with capture_logs() as logs:
        listed = [namespace("a", "1", "Enabled"), namespace("b", "2", "enabled")]
        store.replace(listed, "10")
        store.replace(listed, "11")
        store.apply("MODIFIED", namespace("a", "12", "Enabled"))
        store.apply("MODIFIED", namespace("a", "13", "true"))
        store.apply("DELETED", namespace("a", "14", "true"))
        store.apply("ADDED", namespace("a", "15", "true"))
        store.replace([], "16")
        store.apply("ADDED", namespace("a", "17", "true"))
        store.apply("MODIFIED", namespace("a", "18", "disabled"))
        store.apply("ADDED", namespace("c", "19", None))
        store.apply("BOOKMARK", namespace("", "20", None))

    assert [(line["namespace"], line["value"]) for line in logs] == [
        ("a", "Enabled"),
        ("a", "true"),
        ("a", "true"),
        ("a", "true"),
    ]
    assert logs[0] == {
        "event": "namespace-label-mistyped",
        "log_level": "warning",
        "namespace": "a",
        "label": KEY,
        "value": "Enabled",
        "values": "enabled, east-west, north-south, disabled",
    }


def test_file_tells_too(tmp_path: Path) -> None:
    """The same for namespaces from a file."""
    path = tmp_path / "namespaces.yaml"
    path.write_text(
        f"{{apiVersion: v1, kind: Namespace, metadata: {{name: a, labels: {{{KEY}: 'on'}}}}}}"
    )
    with capture_logs() as logs:
        FileNamespaces.load(path, MistypedLabels(KEY).check)

    assert [line["value"] for line in logs] == ["on"]
