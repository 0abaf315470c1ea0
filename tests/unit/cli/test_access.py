"""The flags by which commands reach a cluster, as kubectl has them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import kubeconfig as kubeconfigs
from tests.unit.cli.running import run, sentence
from tests.unit.cluster.scripted import Scripted
from webhook.cluster.access import Access

NOTHING = {"metadata": {"resourceVersion": "1"}, "items": []}


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the cluster that the developer may have."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api() -> Iterator[Scripted]:
    """Run an API server that has nothing, and forbids what is asked after that."""
    with Scripted() as scripted:
        scripted.answer(200, NOTHING)
        for _ in range(20):
            scripted.answer(403, {"message": "no more"})
        yield scripted


def test_flags_choose_cluster_and_user(api: Scripted, tmp_path: Path) -> None:
    """File, context, user and groups are those that were named."""
    path = kubeconfigs.write(tmp_path / "config", "http://127.0.0.1:1", {"token": "x"})
    content = json.loads(path.read_text())
    content["clusters"].append({"name": "there", "cluster": {"server": api.url}})
    content["contexts"].append({"name": "other", "context": {"cluster": "there", "user": "test"}})
    path.write_text(json.dumps(content))
    user = ("--as", "jane", "--as-group", "ops", "--as-group", "dev")
    run("audit", "--kubeconfig", str(path), "--context", "other", *user)

    sent = api.asked[0].every_header
    assert ("impersonate-user", "jane") in sent
    assert [value for name, value in sent if name == "impersonate-group"] == ["ops", "dev"]


def test_environment_names_a_kubeconfig(
    api: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a flag it is the one that kubectl reads, and every flag is a variable as well."""
    path = kubeconfigs.write(tmp_path / "config", api.url, {"token": "x"})
    monkeypatch.setenv("KUBECONFIG", str(path))
    run("audit", SOURCE_IP_WEBHOOK_AS_USER="jane")

    assert api.asked[0].headers["impersonate-user"] == "jane"


def test_group_without_a_user_is_refused() -> None:
    """Kubernetes impersonates groups of a user only, and says so less kindly."""
    result = run("audit", "--as-group", "ops")

    assert result.exit_code == 2
    assert sentence(result) == "--as-group means nothing without --as: name the user too."


def test_nowhere_to_go_is_a_sentence() -> None:
    """Without a kubeconfig the sentence says what to do."""
    result = run("audit", "--context", "missing")

    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence(result).startswith("Cannot tell where the API server is (kubeconfig ")


def test_interruption_ends_as_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 would say that something was found."""

    def interrupt(_: Access) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Access, "connect", interrupt)

    assert run("audit").exit_code == 130
