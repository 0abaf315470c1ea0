"""``doctor`` on the command line: flags, output, and how it ends."""

import json
import types
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests import kubeconfig as kubeconfigs
from tests.unit.cluster.scripted import Scripted
from webhook.admission.options import Options
from webhook.cli import main
from webhook.doctor.checks import Check, Report, Status
from webhook.doctor.inspection import Installation

CHECK = Check("order", "installation", Status.OK, "the webhook is asked first")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Runs that find one thing well, and what they were asked."""
    noted: list[dict[str, Any]] = []

    def run(_client: object, options: Options, installation: Installation, **others: Any) -> Report:
        noted.append({"options": options, "installation": installation, **others})
        return Report((CHECK,))

    monkeypatch.setattr("webhook.doctor.run.run", run)
    return noted


def doctor(tmp_path: Path, url: str, *args: str) -> Result:
    """Run the command."""
    file = kubeconfigs.write(tmp_path / "config", url, {"token": "secret-token"})
    return CliRunner().invoke(main, ["doctor", "--kubeconfig", str(file), *args])


def test_report_is_written_in_the_wanted_form(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    """As a table, as JSON or as YAML, with the flags that were given."""
    result = doctor(
        tmp_path,
        "http://127.0.0.1:1",
        "-o",
        "json",
        "--label-key",
        "a/b",
        "--configuration",
        "0-other",
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["checks"][0]["name"] == "order"
    assert asked[0]["options"] == Options(label_key="a/b")
    assert asked[0]["installation"] == Installation("0-other")
    assert "asked first" in doctor(tmp_path, "http://127.0.0.1:1").stdout


def test_api_server_that_is_away_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody answers, the end is 2 and standard output is empty."""
    monkeypatch.setattr("tenacity.nap.time", types.SimpleNamespace(sleep=lambda _seconds: None))
    with Scripted() as api:
        result = doctor(tmp_path, api.url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: get /version: ")
    assert {each.path for each in api.asked} == {"/version"}
