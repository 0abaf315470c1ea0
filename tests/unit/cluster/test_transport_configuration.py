"""Where the API server is by pod and kubeconfig, and which namespace is ours."""

import json
from pathlib import Path

import pytest

from tests import kubeconfig as kubeconfigs
from tests.unit.cluster.api_server import ApiServer
from webhook.cluster import ConfigurationError, transport
from webhook.cluster.client import Client


def write(path: Path, namespace: str | None) -> Path:
    """Write a kubeconfig whose context names a namespace, or none."""
    kubeconfigs.write(path, "https://127.0.0.1", {"token": "x"})
    if namespace is not None:
        content = json.loads(path.read_text())
        content["contexts"][0]["context"]["namespace"] = namespace
        path.write_text(json.dumps(content))
    return path


def test_kubeconfig_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, kubeconfig: Path, server: ApiServer
) -> None:
    """Outside of a pod KUBECONFIG tells."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert transport.load_configuration().host == server.url


@pytest.mark.parametrize("content", [None, "", "[]", "a: [", "clusters: 1", "{current-context: x}"])
def test_unusable_kubeconfig_is_named(tmp_path: Path, content: str | None) -> None:
    """Whatever is wrong with the file, one sentence names it and says what to do."""
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        Client(lambda: transport.load_configuration(path))
    assert f"(kubeconfig {path}: " in str(caught.value)
    assert str(caught.value).endswith(
        "name another kubeconfig (--kubeconfig) or another context of it (--context)."
    )
    assert "\n" not in str(caught.value)


def test_file_of_another_form_is_no_kubeconfig(tmp_path: Path) -> None:
    """Words of Python's about it would help nobody."""
    path = tmp_path / "passwd"
    path.write_text("root:x:0")
    with pytest.raises(ConfigurationError, match=r"passwd: it is no kubeconfig\)"):
        transport.load_configuration(path)


def test_no_configuration_at_all_is_named() -> None:
    """Without pod and kubeconfig the sentence tells both reasons, and what to do."""
    with pytest.raises(
        ConfigurationError,
        match=r"ServiceAccount: .*; kubeconfig ~/.kube.*name a kubeconfig with the variable KUBE",
    ):
        transport.load_configuration()


def test_namespace_of_the_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a pod its ServiceAccount tells, whatever kubeconfig there is."""
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "config", "other")))
    (tmp_path / "namespace").write_text("ours\n")
    monkeypatch.setattr(transport, "_POD_NAMESPACE", tmp_path / "namespace")
    assert transport.own_namespace() == "ours"


@pytest.mark.parametrize(("named", "told"), [("ours", "ours"), (None, "default")])
def test_namespace_of_the_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str | None, told: str
) -> None:
    """Outside of a pod the kubeconfig's context tells, as it does to kubectl."""
    monkeypatch.setattr(transport, "_POD_NAMESPACE", tmp_path / "none")
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "config", named)))
    assert transport.own_namespace() == told


def test_namespace_without_a_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing tells, it is the default one; that nothing works then is said elsewhere."""
    monkeypatch.setattr(transport, "_POD_NAMESPACE", tmp_path / "none")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert transport.own_namespace() == "default"
