"""Where the API server is and who we are, by pod and kubeconfig, and which namespace is ours."""

import json
from pathlib import Path

import pytest
from kubernetes.client.configuration import Configuration
from kubernetes.config import ConfigException

from tests import kubeconfig as kubeconfigs
from tests.unit.cluster.api_server import ApiServer
from webhook.cluster import ConfigurationError, access
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
    assert access.load().host == server.url


@pytest.mark.parametrize("content", [None, "", "[]", "a: [", "clusters: 1", "{current-context: x}"])
def test_unusable_kubeconfig_is_named(tmp_path: Path, content: str | None) -> None:
    """Whatever is wrong with the file, one sentence names it and says what to do."""
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        Client(lambda: access.load(path))
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
        access.load(path)


def test_no_configuration_at_all_is_named() -> None:
    """Without pod and kubeconfig the sentence tells both reasons, and what to do."""
    with pytest.raises(
        ConfigurationError,
        match=r"ServiceAccount: .*; kubeconfig ~/.kube.*name a kubeconfig with the variable KUBE",
    ):
        access.load()


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be a pod in a cluster of IPv6, and give the folder of its ServiceAccount."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path)
    (tmp_path / "token").write_text("x")
    (tmp_path / "ca.crt").write_text("y")
    return tmp_path


@pytest.mark.usefixtures("pod")
def test_address_of_ipv6_is_put_in_brackets() -> None:
    """A pod's variable has the address alone."""
    assert access.load().host == "https://[fd00::1]:443"


@pytest.mark.parametrize("file", ["token", "ca.crt"])
def test_pod_without_a_file_is_told_which(pod: Path, file: str) -> None:
    """Where automountServiceAccountToken is off, the sentence says what is not there."""
    (pod / file).unlink()
    with pytest.raises(ConfigurationError, match=rf"\(ServiceAccount: .*No such file.*{file}"):
        access.load()


def test_pod_that_trusts_nobody_is_told(pod: Path) -> None:
    """With an empty authority no request could ever succeed."""
    (pod / "ca.crt").write_text("")
    with pytest.raises(ConfigurationError, match=r"ServiceAccount: .*ca\.crt is empty;"):
        access.load()


def test_login_that_fails_is_a_configuration_error(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kubeconfig that tells no new token says so when it is asked for one."""
    endpoint = access.load(kubeconfig)
    assert endpoint.authorization() == {"Authorization": "Bearer secret-token"}

    def fail(_: Configuration) -> None:
        raise ConfigException("exec: no\nsuch program")

    monkeypatch.setattr(Configuration, "auth_settings", fail)
    with pytest.raises(ConfigurationError, match=r"^exec: no such program$"):
        endpoint.authorization()


def test_client_certificate_needs_no_header(tmp_path: Path) -> None:
    """Who is known by TLS is not told once more."""
    path = kubeconfigs.write(tmp_path / "config", "https://127.0.0.1", {})
    assert access.load(path).authorization() == {}


def test_namespace_of_the_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a pod its ServiceAccount tells, whatever kubeconfig there is."""
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "config", "other")))
    (tmp_path / "namespace").write_text("ours\n")
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path)
    assert access.own_namespace() == "ours"


@pytest.mark.parametrize(("named", "told"), [("ours", "ours"), (None, "default")])
def test_namespace_of_the_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str | None, told: str
) -> None:
    """Outside of a pod the kubeconfig's context tells, as it does to kubectl."""
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path / "none")
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "config", named)))
    assert access.own_namespace() == told


def test_namespace_of_the_named_context(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """File and context that were named tell, also in a pod, as they do whom to ask."""
    path = write(tmp_path / "config", "current")
    content = json.loads(path.read_text())
    for name, namespace in (("b", {"namespace": "theirs"}), ("c", {})):
        context = {"cluster": "test", "user": "test", **namespace}
        content["contexts"].append({"name": name, "context": context})
    path.write_text(json.dumps(content))
    (tmp_path / "namespace").write_text("ours")
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "other", "other")))

    assert access.own_namespace(path) == "current"
    assert access.own_namespace(context="test") == "other"
    told = [access.own_namespace(path, name) for name in ("b", "c", "absent")]
    assert told == ["theirs", "default", "default"]


def test_namespace_without_a_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing tells, it is the default one; that nothing works then is said elsewhere."""
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path / "none")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert access.own_namespace() == "default"
