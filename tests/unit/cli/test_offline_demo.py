"""``demo``: it needs nothing but itself, and says so where it lacks something."""

from importlib import import_module
from pathlib import Path

import pytest

from tests.unit.cli.running import run, sentence


def test_demo_shows_the_guide() -> None:
    """The demo needs nothing but itself."""
    result = run("demo")

    assert result.exit_code == 0
    assert "opted-in   Deployment/httpbin" in result.stdout


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("tempfile.tempdir", "The demo needs a temporary folder, and none can be made: No such"),
        ("certs.contents.KEY", "Certificates cannot be written to "),
    ],
)
def test_demo_without_room_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, why: str
) -> None:
    """A read-only root and a full disk are no traceback."""
    import_module("webhook.server.lifecycle")  # which would keep the name that is put in place here
    monkeypatch.setattr(place, str(tmp_path / "none" / "x"))
    result = run("demo")

    assert result.exit_code == 2
    assert why in result.stderr
    assert "Traceback" not in result.stderr


def test_demo_of_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """A wrong file name ends with a sentence and code 2."""
    result = run("demo", "-f", str(tmp_path / "none.yaml"))

    assert result.exit_code == 2
    assert "cannot be read" in sentence(result)
