"""Several mutations of one kind: a row for each decision, and every setting in its place."""

import json
from typing import Any

import jsonpatch
import pytest

from tests.second_mutation import ANNOTATION, WARNING, registered
from webhook.admission.options import Options
from webhook.manifests.objects import find_objects
from webhook.offline import demo
from webhook.offline.apiserver import Applier
from webhook.offline.bake import Setting, bake
from webhook.offline.preview import build_preview
from webhook.server.lifecycle import assemble

MODE = "sidecar.istio.io/interceptionMode"
BOTH = {MODE: "TPROXY", ANNOTATION: "true"}
JOB = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: s, annotations: {service.beta.kubernetes.io/backend-type: BACKEND}}
spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, selector: {a: b}, ports: [{port: 80}]}
"""


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch)


def test_every_decision_has_a_row() -> None:
    """Rows stand in the order of registration; the first that is patched has the settings."""
    (source,) = [find_objects("f.yaml", JOB + "    spec: {}\n")]
    first, second = build_preview([source]).forecasts

    assert [(each.outcome, each.sees) for each in (first, second)] == [
        ("patched", "its client"),
        ("patched", "-"),
    ]
    assert first.warnings == (WARNING,)
    assert (second.warnings, second.settings, second.patch) == ((), (), [])
    data = json.loads(json.dumps(source.manifests[0].data))
    metadata = jsonpatch.apply_patch(data, first.patch)["spec"]["template"]["metadata"]
    assert metadata == {"annotations": BOTH}


def test_settings_are_those_of_the_row_that_is_patched() -> None:
    """A row that is not patched has no settings, wherever it stands."""
    text = JOB + "    metadata: {annotations: {sidecar.istio.io/inject: 'false'}}\n    spec: {}\n"
    first, second = build_preview([find_objects("f.yaml", text)]).forecasts

    assert (first.outcome, first.settings) == ("skipped", ())
    assert second.outcome == "patched"
    path = ("spec", "template", "metadata", "annotations", ANNOTATION)
    assert second.settings == (Setting(path, "true"),)


@pytest.mark.parametrize(
    ("backend", "policy", "warnings"), [("eni", "Cluster", 0), ("ecs", "Local", 1)]
)
def test_lost_cluster_is_told_by_the_object(backend: str, policy: str, warnings: int) -> None:
    """Whoever wrote Cluster is warned where it is lost, and not where another member is set."""
    source = find_objects("f.yaml", SERVICE.replace("BACKEND", backend))
    shown = build_preview([source], applier=Applier.CREATE)
    (baked,) = shown.baked()
    spec: dict[str, Any] = find_objects("g.yaml", baked).manifests[0].data["spec"]

    assert len(shown.warnings) == warnings
    assert (spec["externalTrafficPolicy"], spec["internalTrafficPolicy"]) == (policy, "Local")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("    spec: {}\n", None),
        (
            "    metadata:\n      name: x\n",
            (
                "    metadata:\n      annotations:\n"
                "        sidecar.istio.io/interceptionMode: TPROXY\n"
                '        example.org/second: "true"\n      name: x\n'
            ),
        ),
        ("    metadata:\n      annotations:\n", None),
        ("    metadata:\n      annotations: {}\n", None),
        ("    metadata: {annotations: {a: b}}\n", None),
        ("    metadata: {}\n", None),
        (
            "    metadata:\n      annotations:\n        a: b\n",
            (
                "    metadata:\n      annotations:\n"
                "        sidecar.istio.io/interceptionMode: TPROXY\n"
                '        example.org/second: "true"\n        a: b\n'
            ),
        ),
        ("    metadata:\n      annotations:\n        example.org/second:\n", None),
        ("    metadata:\n      annotations:\n        example.org/second: ''\n", None),
    ],
)
def test_settings_of_both_are_written(text: str, expected: str | None) -> None:
    """Two settings get one parent where it is missing, whatever the form of the text."""
    source = find_objects("f.yaml", JOB + text)
    places = [("spec", "template", "metadata", "annotations", name) for name in BOTH]
    settings = [Setting(place, BOTH[place[-1]]) for place in places]
    text = bake(source, {source.manifests[0]: settings})
    annotations = find_objects("g.yaml", text).manifests[0].data["spec"]["template"]["metadata"]

    assert annotations["annotations"].items() >= BOTH.items()
    assert expected is None or text == JOB + expected


def test_settings_of_two_mappings_are_written() -> None:
    """A parent that two mappings lack is written once as well."""
    source = find_objects("f.yaml", JOB + "    spec: {}\n")
    metadata = ("spec", "template", "metadata")
    settings = [Setting((*metadata, "labels", "a"), "b"), Setting((*metadata, "x", "c"), "on")]
    text = bake(source, {source.manifests[0]: settings})

    assert text == JOB + (
        '    metadata:\n      labels:\n        a: b\n      x:\n        c: "on"\n    spec: {}\n'
    )


def test_demo_counts_reviews() -> None:
    """Over the wire the words of both decisions come back as rows, and a review is one review."""
    shown = demo.run([], Options(), assemble)

    assert shown.introduction.startswith("10 reviews were answered")
    assert len(shown.preview.forecasts) == 20
    assert {each.reason for each in shown.preview.forecasts} >= {"added", "namespace-not-opted-in"}
