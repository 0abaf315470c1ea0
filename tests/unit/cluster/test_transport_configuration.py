"""Which namespace is ours."""

import json
from pathlib import Path

import pytest

from tests import kubeconfig as kubeconfigs
from webhook.cluster import transport


def write(path: Path, namespace: str | None) -> Path:
    """Write a kubeconfig whose context names a namespace, or none."""
    kubeconfigs.write(path, "https://127.0.0.1", {"token": "x"})
    if namespace is not None:
        content = json.loads(path.read_text())
        content["contexts"][0]["context"]["namespace"] = namespace
        path.write_text(json.dumps(content))
    return path


def test_namespace_of_the_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a pod its ServiceAccount tells, whatever kubeconfig there is."""
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "config", "other")))
    (tmp_path / "namespace").write_text("ours\n")
    monkeypatch.setattr(transport, "_POD_NAMESPACE", tmp_path / "namespace")
    assert transport.namespace() == "ours"


@pytest.mark.parametrize(("named", "told"), [("ours", "ours"), (None, "default")])
def test_namespace_of_the_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str | None, told: str
) -> None:
    """Outside of a pod the kubeconfig's context tells, as it does to kubectl."""
    monkeypatch.setattr(transport, "_POD_NAMESPACE", tmp_path / "none")
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "config", named)))
    assert transport.namespace() == told


def test_namespace_without_a_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing tells, it is the default one; that nothing works then is said elsewhere."""
    monkeypatch.setattr(transport, "_POD_NAMESPACE", tmp_path / "none")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert transport.namespace() == "default"
