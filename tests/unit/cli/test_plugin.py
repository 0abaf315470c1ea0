"""The command line as a plugin of kubectl, and what shells complete of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests import kubeconfig as kubeconfigs
from tests.unit.cli.running import run
from tests.unit.cluster.scripted import Scripted
from webhook.cli import kubectl, kubectl_complete, main
from webhook.cli.plugin import complete


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """Run an API server that the command line finds by its kubeconfig."""
    with Scripted() as scripted:
        path = kubeconfigs.write(tmp_path / "config", scripted.url, {"token": "x"})
        monkeypatch.setenv("KUBECONFIG", str(path))
        yield scripted


def offered(*words: str) -> list[str]:
    """Complete a line; take the offers without what is said of them."""
    return [line.partition("\t")[0] for line in complete(main, words).splitlines()]


def test_programs_have_the_names_that_kubectl_looks_for() -> None:
    """A plugin's name has its dashes as underscores, and another program completes it."""
    programs = entry_points(group="console_scripts")

    assert programs["kubectl-source_ip"].load() is kubectl
    assert programs["kubectl_complete-source_ip"].load() is kubectl_complete


def test_plugin_calls_itself_as_people_call_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its usage and its errors have the line that was typed."""
    monkeypatch.setattr(sys, "argv", ["kubectl-source_ip", "audit", "--help"])
    with pytest.raises(SystemExit):
        kubectl()

    assert capsys.readouterr().out.startswith("Usage: kubectl source-ip audit [OPTIONS]\n")


def test_plugin_completes_what_kubectl_hands_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last word is the one that is not finished, and the last line is an instruction."""
    monkeypatch.setattr(sys, "argv", ["kubectl_complete-source_ip", "audit", "--outp"])
    kubectl_complete()

    assert capsys.readouterr().out == (
        "--output\tjson and yaml have the schemas in docs/schemas.\n:4\n"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("aud",), ["audit", ":4"]),
        (("audit", "-o", ""), ["table", "json", "yaml", ":4"]),
        (("audit", "--kubeconfig", ""), [":0"]),
        (("audit", "none"), [":4"]),
    ],
)
def test_offers(words: tuple[str, ...], expected: list[str]) -> None:
    """Commands and values are offered; files are left to the shell."""
    assert offered(*words) == expected


@pytest.mark.parametrize("words", [(), ("",)])
def test_all_commands_are_offered_at_the_beginning(words: tuple[str, ...]) -> None:
    """With nothing typed yet there is everything."""
    assert set(offered(*words)) == {*main.commands, ":4"}


def test_namespaces_of_the_cluster_are_offered(api: Scripted) -> None:
    """Those that begin as what was typed, asked for as the flags on the line say."""
    names = [{"metadata": {"name": name}} for name in ("shop", "shipping", "bank")]
    api.answer(200, {"metadata": {"resourceVersion": "1"}, "items": names})

    assert offered("audit", "--as", "jane", "-n", "sh") == ["shop", "shipping", ":4"]
    assert api.asked[0].headers["impersonate-user"] == "jane"
    assert "PartialObjectMetadataList" in api.asked[0].headers["accept"]


def test_cluster_that_does_not_tell_offers_nothing(api: Scripted) -> None:
    """A completion never fails."""
    api.answer(403, {"message": "no"})

    assert offered("audit", "-n", "") == [":4"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_of_a_shell_is_printed(shell: str) -> None:
    """It is what the shell reads, and asks the program for its offers."""
    result = run("completion", shell)

    assert result.exit_code == 0
    assert f"_SOURCE_IP_WEBHOOK_COMPLETE={shell}_complete" in result.stdout


def test_what_the_script_asks_for_is_offered() -> None:
    """The program answers a shell when the variable of its script is set."""
    environment = {
        "COMP_WORDS": "source-ip-webhook aud",
        "COMP_CWORD": "1",
        "_SOURCE_IP_WEBHOOK_COMPLETE": "bash_complete",
    }

    assert run_as_program(**environment) == "plain,audit\n"


def run_as_program(**environment: str) -> str:
    """Run the command line by its own name, in a process with these variables."""
    program = "from webhook.cli import main; main(prog_name='source-ip-webhook')"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout
