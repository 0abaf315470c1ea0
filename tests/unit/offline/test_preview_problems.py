"""Objects that no API server would accept: named, and no harm to the others."""

import pytest

from tests.unit.offline.previewing import deployment, text
from webhook.manifests.objects import File, find_objects
from webhook.offline.preview import build_preview


def deepest() -> File:
    """Read the Pod that is nested as deeply as can be read, found by halving."""
    readable, too_deep = 1, 1000
    deepest = find_objects("f.json", text("Pod"))
    while too_deep - readable > 1:
        levels = (readable + too_deep) // 2
        pod = text("Pod", x="here").replace('"here"', levels * "[" + levels * "]")
        if (source := find_objects("f.json", pod)).problems:
            too_deep = levels
        else:
            readable, deepest = levels, source
    return deepest


def test_nested_too_deeply() -> None:
    """What can just be read, and not be sent through admission, costs itself."""
    shown = build_preview([deepest(), find_objects("f.yaml", text("Pod"))])
    assert [forecast.manifest.file for forecast in shown.forecasts] == ["f.yaml"]
    assert list(map(str, shown.problems)) == ["f.json:1: Pod/x is nested too deeply to be judged."]


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        (text("Pod", metadata={"name": ""}), "f.yaml:1: Pod has no name"),
        (text("Pod", metadata={"name": 1}), "Pod/1 has metadata.name: 1, which must be text"),
        (text("Pod", metadata={"namespace": [1]}), "metadata.namespace: [1], which must be text"),
        (text("Pod", metadata={"labels": [1]}), "metadata.labels that are no mapping"),
        (
            deployment({"metadata": {"labels": {"version": 1.0}}}),
            "Deployment/x has spec.template.metadata.labels version: 1, which must be text",
        ),
        (deployment({"metadata": "a"}), "has a spec.template.metadata that is no mapping"),
        (
            deployment({"spec": "a"}),
            "/x has a spec.template.spec that the API refuses: expected `object`, got `str`.",
        ),
        (
            text("Service", spec={"ports": 1}),
            "Service/x has a spec.ports that the API refuses: expected `array`, got `int`.",
        ),
        (
            text("Pod", spec={"hostNetwork": "no"}),
            "Pod/x has a spec.hostNetwork that the API refuses: expected `bool`, got `str`.",
        ),
        (
            deployment({"spec": {"containers": [{"name": "a"}, {}]}}),
            "x has a spec.template.spec.containers[1] that the API refuses: object missing req",
        ),
        (text("Namespace", metadata={"labels": {"a": True}}), "labels a: true, which must be"),
    ],
)
def test_impossible_objects(manifest: str, sentence: str) -> None:
    """An object that no API server would accept is named, with what is wrong about it."""
    (problem,) = build_preview([find_objects("f.yaml", manifest)]).problems
    assert sentence in str(problem)


def test_impossible_object_costs_no_other() -> None:
    """What is wrong with one object is told beside what would happen to the others."""
    good, bad = text("Pod"), text("Pod", metadata={"name": 1})
    shown = build_preview([find_objects("f.yaml", f"{bad}a: [\n---\n{good}{bad}")])
    assert [forecast.manifest.title for forecast in shown.forecasts] == ["Pod/x"]
    assert len(shown.problems) == 3
