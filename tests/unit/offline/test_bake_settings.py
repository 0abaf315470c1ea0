"""Settings as patches."""

from typing import Any

import jsonpatch
import pytest

from webhook.offline.bake import Setting, operations, settings_of


def test_settings_of() -> None:
    """Every text in a patch is one setting, at its place below the pod template."""
    operations: list[dict[str, Any]] = [
        {"op": "add", "path": "/metadata/annotations", "value": {"a.b/c": "1", "d~": "2"}},
        {"op": "add", "path": "/metadata/annotations/e~1f~0g", "value": "3"},
    ]
    assert settings_of(operations, ("spec", "template")) == (
        Setting(("spec", "template", "metadata", "annotations", "a.b/c"), "1"),
        Setting(("spec", "template", "metadata", "annotations", "d~"), "2"),
        Setting(("spec", "template", "metadata", "annotations", "e/f~g"), "3"),
    )


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({}, "/a"),
        ({"a": None}, "/a"),
        ({"a": {}}, "/a/b"),
        ({"a": {"b": {"x": 1}}}, "/a/b/c~1d"),
        ({"a": {"b": {"c/d": ""}}}, "/a/b/c~1d"),
    ],
)
def test_operation(data: dict[str, Any], path: str) -> None:
    """The operation starts at the first parent that is missing, so that it always applies."""
    (made,) = operations(data, [Setting(("a", "b", "c/d"), "v")])
    assert made["path"] == path
    assert jsonpatch.apply_patch(data, [made])["a"]["b"]["c/d"] == "v"


def test_operation_in_a_list() -> None:
    """A path may lead through lists, as JSON Pointers do."""
    data: dict[str, Any] = {"tasks": [{}, {"template": {"metadata": None}}]}
    path = ("tasks", 1, "template", "metadata", "annotations", "a")
    (made,) = operations(data, [Setting(path, "v")])
    assert made["path"] == "/tasks/1/template/metadata"
    tasks = jsonpatch.apply_patch(data, [made])["tasks"]
    assert tasks == [{}, {"template": {"metadata": {"annotations": {"a": "v"}}}}]
