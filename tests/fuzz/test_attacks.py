"""The attacks themselves: a small measure of them runs, and harms nobody."""

import pytest
from click.testing import CliRunner

from tests.fuzz import attacks
from tests.fuzz.attacks import main

pytestmark = pytest.mark.e2e  # for the time that they take: nothing of a cluster is needed


@pytest.mark.parametrize(
    "name",
    [
        "a byte a second of a refused body",
        "four slow uploads of 16 MiB",
        "20 MiB of trailers",
        "most of these at once, and 5,000 that are idle",
    ],
)
def test_polite_clients_notice_nothing(name: str) -> None:
    """The real server answers small reviews and probes while it is attacked a little."""
    done = CliRunner().invoke(main, ["--only", name, "--scale", "0.01", "--patience", "20"])

    assert done.exit_code == 0, done.output
    assert done.output.count("\n") == 3


def test_harm_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes more memory than it may is told from a good one."""
    monkeypatch.setattr(attacks, "_MEMORY", 1)
    done = CliRunner().invoke(main, ["--only", "four slow", "--scale", "0.01", "--patience", "20"])

    assert done.exit_code == 1, done.output
