"""Every alert fires at its first event, says where, and ends: judged by Prometheus' promtool."""

import json
import re
from pathlib import Path

import pytest

from tests.chart.helm import Json
from tests.chart.stories import STORIES, Story
from tests.chart.value_sets import rendered
from tests.controlplane.absence import skipped_without_binaries
from tests.promtool import promtool

pytestmark = pytest.mark.e2e


def group() -> Json:
    """Return the rules as the chart renders them."""
    (found,) = rendered("monitoring").one("PrometheusRule")["spec"]["groups"]
    return dict(found)


def test_every_alert_has_its_story() -> None:
    """No alert is left without a story in which it fires."""
    told = {f"SourceIPWebhook{story.alert}" for story in STORIES if story.fires}

    assert told == {rule["alert"] for rule in group()["rules"]}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.alert}-{story.name}")
def test_alert(story: Story, tmp_path: Path) -> None:
    """The alert fires when it should, names what it is about, and is silent before and after."""
    (rule,) = (r for r in group()["rules"] if r["alert"] == f"SourceIPWebhook{story.alert}")
    annotations = {
        key: re.sub(
            r"\{\{ \$labels\.(\w+) \}\}", lambda found: story.labels.get(found[1], ""), text
        ).replace("{{ $value }}", story.value)
        for key, text in rule["annotations"].items()
    }
    firing = [{"exp_labels": {**story.labels, **rule["labels"]}, "exp_annotations": annotations}]
    moments = {**{moment: [] for moment in story.silent}, **dict.fromkeys(story.fires, firing)}
    described = {
        "rule_files": ["rules.json"],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": [
                    {"series": series, "values": values} for series, values in story.series.items()
                ],
                "alert_rule_test": [
                    {"eval_time": moment, "alertname": rule["alert"], "exp_alerts": expected}
                    for moment, expected in moments.items()
                ],
            }
        ],
    }
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [group()]}))
    (tmp_path / "test.json").write_text(json.dumps(described))

    with skipped_without_binaries():
        done = promtool("test", "rules", tmp_path / "test.json")

    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_are_valid(tmp_path: Path) -> None:
    """Prometheus takes the rules, and its own linter has nothing to say."""
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [group()]}))

    with skipped_without_binaries():
        done = promtool("check", "rules", "--lint-fatal", tmp_path / "rules.json")

    assert done.returncode == 0, done.stdout + done.stderr
