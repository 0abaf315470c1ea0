"""Finding Kubernetes objects in files."""

import pytest

from webhook.manifests.objects import find_objects

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"

INNER_LIST = "{apiVersion: v1, kind: BList, items: [{apiVersion: v1, kind: C}]}"


def titles(text: str) -> list[tuple[str, int]]:
    """List the objects of a text with their lines."""
    return [(manifest.title, manifest.line) for manifest in find_objects("f.yaml", text).manifests]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POD, [("Pod/a", 1)]),
        (f"# c\n---\n{POD}---\n---\n{POD}", [("Pod/a", 3), ("Pod/a", 9)]),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: b-}", [("Pod/b-", 1)]),
        ("apiVersion: v1\nkind: Kustomization\nmetadata:\n", [("Kustomization", 1)]),
        (
            f"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n- {INNER_LIST}\n",
            [("A", 4), ("C", 6)],
        ),
        ("apiVersion: v1\nkind: AccessList\n", [("AccessList", 1)]),
        ('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "j"}}', [("Pod/j", 1)]),
        ("", []),
    ],
)
def test_objects(text: str, expected: object) -> None:
    """Every object is found with its line, those inside of a List too."""
    assert titles(text) == expected


@pytest.mark.parametrize(
    ("head", "item", "expected"),
    [
        ("apiVersion: v1, kind: PodList", "metadata: {name: a}", "v1 Pod/a"),
        ("apiVersion: apps/v1, kind: DeploymentList", "", "apps/v1 Deployment"),
        ("apiVersion: v1, kind: PodList", "kind: X", "v1 X"),
    ],
)
def test_item_of_a_list_of_one_kind(head: str, item: str, expected: str) -> None:
    """An item that names no kind, as the raw API has them, is of its list's kind."""
    (only,) = find_objects("f.yaml", f"{{{head}, items: [{{{item}}}]}}").manifests
    assert f"{only.api_version} {only.title}" == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- a\n", "f.yaml:1: this document is no object"),
        ("---\nhello\n", "f.yaml:2: this document is no object"),
        ("a: 1\n", "f.yaml:1: this object has no apiVersion: is it a Kubernetes manifest?"),
        ("apiVersion: v1\n", "f.yaml:1: this object has no kind"),
        (
            "{apiVersion: v1, kind: List, items: [{a: b}]}",
            "f.yaml:1: this object has no apiVersion",
        ),
        ("{apiVersion: v1, kind: PodList, items: [a]}", "f.yaml:1: this document is no object"),
        ("apiVersion: 1\nkind: Pod", "f.yaml:1: this object has no apiVersion"),
        ("apiVersion: v1\nkind: Pod\nmetadata: a\n", "the metadata of this Pod is no mapping"),
    ],
)
def test_no_manifest(text: str, sentence: str) -> None:
    """Whatever is no Kubernetes object is named with its line."""
    (problem,) = find_objects("f.yaml", text).problems
    assert sentence in str(problem)


def test_others_are_found() -> None:
    """A document that is no object costs no other one."""
    read = find_objects("f.yaml", "a: 1\n---\napiVersion: v1\nkind: A\n---\na: [\n---\n- b\n")
    assert [manifest.title for manifest in read.manifests] == ["A"]
    assert [str(problem)[:8] for problem in read.problems] == ["f.yaml:1", "f.yaml:7", "f.yaml:8"]


def test_group() -> None:
    """The core group has no name, others stand before the slash."""
    text = "apiVersion: v1\nkind: A\n---\napiVersion: apps/v1\nkind: B\n"
    assert [manifest.group for manifest in find_objects("f", text).manifests] == ["", "apps"]


def test_list_nested_too_deeply() -> None:
    """A List that is too deep for its items to be found costs itself."""
    nested = 600 * "[" + 600 * "]"
    item = f'{{"apiVersion": "v1", "kind": "X", "x": {nested}}}'
    text = f'{{"apiVersion": "v1", "kind": "List", "items": [{item}]}}'
    read = find_objects("f.json", f'{text}\n{{"apiVersion": "v1", "kind": "Y"}}')
    assert [manifest.kind for manifest in read.manifests] == ["Y"]
    assert list(map(str, read.problems)) == ["f.json:1: this document is nested too deeply."]
