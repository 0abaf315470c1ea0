"""Which cluster is reached by kubectl's flags, and as whom."""

import json
from pathlib import Path

import pytest

from tests import kubeconfig as kubeconfigs
from tests.unit.cluster.scripted import Scripted
from webhook.cluster import ConfigurationError, access
from webhook.cluster.access import Access


@pytest.fixture
def contexts(tmp_path: Path, scripted: Scripted) -> Path:
    """Write a kubeconfig whose current context leads nowhere, and whose other leads somewhere."""
    path = kubeconfigs.write(tmp_path / "contexts", "http://127.0.0.1:1", {"token": "wrong"})
    content = json.loads(path.read_text())
    content["clusters"].append({"name": "there", "cluster": {"server": scripted.url}})
    content["users"].append({"name": "admin", "user": {"token": "right"}})
    context = {"cluster": "there", "user": "admin"}
    content["contexts"].append({"name": "other", "context": context})
    path.write_text(json.dumps(content))
    return path


def test_context_is_chosen(contexts: Path, scripted: Scripted) -> None:
    """Address and credentials are those of the context that was named."""
    scripted.answer(200, {})
    Access(kubeconfig=contexts, context="other").connect().get("/version")

    assert scripted.asked[0].headers["authorization"] == "Bearer right"


def test_current_context_is_the_default(contexts: Path) -> None:
    """Without a name it is the one that kubectl takes."""
    assert access.load(contexts).host == "http://127.0.0.1:1"


def test_context_is_looked_for_in_the_environments_kubeconfig(
    contexts: Path, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context can be named without a file."""
    monkeypatch.setenv("KUBECONFIG", str(contexts))

    assert access.load(context="other").host == scripted.url


def test_unknown_context_is_named(contexts: Path) -> None:
    """The sentence says which file has no such context, and asks for no ServiceAccount."""
    with pytest.raises(ConfigurationError, match="missing") as caught:
        Access(kubeconfig=contexts, context="missing").connect()

    assert str(contexts) in str(caught.value)
    assert "ServiceAccount:" not in str(caught.value)


def test_user_and_groups_are_impersonated(contexts: Path, scripted: Scripted) -> None:
    """Every request says on whose behalf it is, each group in a header of its own."""
    scripted.answer(200, {})
    scripted.answer(201, {})
    access = Access(kubeconfig=contexts, context="other", user="jane", groups=("ops", "dev"))
    client = access.connect()
    client.get("/version")
    client.create("/api/v1/namespaces", {"kind": "Namespace"})

    for asked in scripted.asked:
        assert asked.headers["authorization"] == "Bearer right"
        assert asked.headers["impersonate-user"] == "jane"
        assert asked.every_header.count(("impersonate-group", "ops")) == 1
        assert asked.every_header.count(("impersonate-group", "dev")) == 1


def test_nobody_is_impersonated_by_default(contexts: Path, scripted: Scripted) -> None:
    """Without a name nothing is said of another user."""
    scripted.answer(200, {})
    Access(kubeconfig=contexts, context="other").connect().get("/version")

    assert not [name for name, _ in scripted.asked[0].every_header if "impersonate" in name]


@pytest.mark.parametrize("name", ["a\nX-Other: 1", "jürgen"])
def test_name_that_fits_into_no_header_is_refused(contexts: Path, name: str) -> None:
    """What HTTP cannot carry is one sentence, and not another header."""
    with pytest.raises(ConfigurationError, match="are sent as ASCII"):
        Access(kubeconfig=contexts, user="jane", groups=(name,)).connect()
