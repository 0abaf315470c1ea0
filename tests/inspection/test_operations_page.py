"""docs/operations.md has what each step of the walk said, and names commands that there are."""

import re
import shlex

import click
import pytest

from tests.inspection import walk
from webhook.cli import main

PAGE = walk.PAGE.read_text()
BLOCKS = walk.blocks(PAGE)
UPDATE = "python -m tests.inspection.walk"


def test_page_has_every_step() -> None:
    """Each step has its block, in the order in which it is taken."""
    assert list(BLOCKS) == [step.name for step in walk.STEPS]


@pytest.mark.parametrize("step", walk.STEPS, ids=lambda step: step.name)
def test_block_has_what_was_said(step: walk.Step) -> None:
    """A block has the commands of its step, and something that they said."""
    typed = walk.commands(BLOCKS[step.name])

    known = [line for line in step.commands if line != walk.PRINTED]
    assert [line for line in typed if line in known] == known, UPDATE
    assert len(typed) >= len(step.commands), UPDATE
    assert len(BLOCKS[step.name].splitlines()) > len(typed), UPDATE


@pytest.mark.parametrize("step", walk.STEPS, ids=lambda step: step.name)
def test_commands_are_known(step: walk.Step) -> None:
    """Each of our commands is one that there is, with flags that it has."""
    for line in step.commands:
        for part in re.split(r"[|;]|&&", line):
            words = shlex.split(part)
            if words[:1] == ["source-ip-webhook"]:
                parse(words[1:])
            elif words[:2] == ["kubectl", "source-ip"]:
                parse(words[2:])


def parse(words: list[str]) -> None:
    """Parse a command line without running it."""
    name, command, rest = main.resolve_command(click.Context(main), words)
    assert command is not None, name
    command.make_context(name, rest)


def test_pages_name_each_other() -> None:
    """Operation and operations are easily mixed up, so each names the other where it begins."""
    other = (walk.PAGE.parent / "operation.md").read_text()

    assert "(operation.md)" in PAGE.partition("\n## ")[0]
    assert "(operations.md)" in other.partition("\n## ")[0]
