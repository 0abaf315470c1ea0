"""What all commands share: how they are started, and how they explain themselves."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tests.unit.cli.running import run, sentence
from webhook import __version__
from webhook.cli import main
from webhook.cli.serve import serve


@pytest.mark.parametrize(
    "arguments", [["-m", "webhook"], ["-c", "from webhook.cli import main; main()"]]
)
def test_module_is_the_command(arguments: list[str]) -> None:
    """``python -m webhook`` is the console script."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments, "--version"], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"source-ip-webhook, version {__version__}\n"


def test_help_comes_at_once() -> None:
    """What takes its time to import is imported by the command that needs it."""
    heavy = (
        "fastapi",
        "kubernetes",
        "msgspec",
        "rich",
        "webhook.manifests",
        "yaml",
    )
    program = "import sys, webhook.cli; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert [name for name in done.stdout.split() if name.startswith(heavy)] == []


@pytest.mark.parametrize("command", ["serve", "demo", "preview", "policy"])
def test_every_command_explains_itself(command: str) -> None:
    """``-h`` says what a command does, and which flags it has."""
    result = run(command, "-h")

    assert result.exit_code == 0
    assert "--label-key" in result.stdout


def test_every_flag_and_every_command_explains_itself() -> None:
    """Nothing that ``-h`` lists, of whatever command, stands there without a word about it."""
    mute = []
    for path, command in _commands(main):
        mute += [] if command.help else [path]
        options = [each for each in command.params if isinstance(each, click.Option)]
        mute += [f"{path} {each.opts[-1]}" for each in options if not each.help]

    assert mute == []


def _commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Give a command, and all that it is a group of, each with the words by which it is reached."""
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _commands(each, f"{path} {name}".strip())


def test_help_is_the_same_wherever_a_command_begins() -> None:
    """``-h`` is a flag of the command itself: click remembers the names that it had at first."""
    with pytest.raises(click.exceptions.Exit):
        serve.make_context("serve", ["--help"])

    assert run("serve", "-h").exit_code == 0
    with pytest.raises(click.exceptions.Exit):
        serve.make_context("serve", ["-h"])


@pytest.mark.parametrize("command", [["serve"], ["demo"], ["preview"], ["policy"]])
def test_label_key_must_be_one(command: list[str]) -> None:
    """What Kubernetes would not take as a label's key is refused before anything starts."""
    result = run(*command, "--label-key", "no such/key!")

    assert result.exit_code == 2
    assert "'no such/key!' cannot be the key of a label" in sentence(result)
