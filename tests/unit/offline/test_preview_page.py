"""What docs/preview.md says is what preview does."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from webhook.admission.decision import Outcome
from webhook.cli import main
from webhook.manifests.objects import find_objects, template_paths
from webhook.offline.apiserver import Applier
from webhook.offline.preview import build_preview

PAGE = (Path(__file__).parents[3] / "docs" / "preview.md").read_text()
SERVICE = (
    "{apiVersion: v1, kind: Service, metadata: {name: a}, "
    "spec: {type: LoadBalancer, selector: {app: a}%s}}"
)


def rows(heading: str) -> list[list[str]]:
    """Read the cells of a section's table, without its head."""
    section = PAGE[PAGE.index(f"## {heading}\n") :].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_flag_is_there() -> None:
    """Each flag that the page names is a flag of the command, or of the tool that is named."""
    text = CliRunner().invoke(main, ["preview", "--help"]).stdout
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) - {
        "--limit",
        "--server-side",
        "--show-managed-fields",
    }

    assert flags == {
        "--applied-by",
        "--assume",
        "--exit-code",
        "--fail-on",
        "--keep-going",
        "--label",
    }
    assert all(flag in text for flag in flags)


@pytest.mark.parametrize("row", rows("Who applies it"), ids=lambda row: row[0])
def test_who_applies_it(row: list[str]) -> None:
    """Each row of the table of appliers has the answers that preview gives."""
    who, _, written, silent = row
    applier = Applier(re.findall(r"`([^`]+)`", who)[0])
    answers = {}
    for text, policy in ((written, ", externalTrafficPolicy: Cluster"), (silent, "")):
        (only,) = build_preview([find_objects("f", SERVICE % policy)], applier=applier).forecasts
        answers[text] = only

    assert answers[written].reason == ("explicit-cluster" if "kept" in written else "added")
    assert bool(answers[written].warnings) is ("warning" in written or "kept" in written)
    assert ("Local" in silent, answers[silent].reason) == (True, "added")
    assert len(rows("Who applies it")) == len(Applier)


def test_kinds_of_kubernetes() -> None:
    """Each kind that the page names as Kubernetes' own has a template, wherever it is."""
    versions = {"PodTemplate": "v1", "ReplicationController": "v1"}
    versions |= dict.fromkeys(["Job", "CronJob"], "batch/v1")
    templates = "template: {}, spec: {template: {}, jobTemplate: {spec: {template: {}}}}"
    for kind in rows("Kinds")[1][0].split(", "):
        head = f"apiVersion: {versions.get(kind, 'apps/v1')}, kind: {kind}"
        assert template_paths(find_objects("f", f"{{{head}, {templates}}}").manifests[0])


def test_outcomes() -> None:
    """The outcomes that can be failed on are all there are."""
    assert all(f"`{outcome}`" in rows("In a pipeline")[1][1] for outcome in Outcome)
