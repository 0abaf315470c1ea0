"""Writing settings into the text of manifests."""

import difflib

import pytest

from webhook.offline.baking import bake
from webhook.offline.documents import ManifestError
from webhook.offline.manifests import file
from webhook.offline.setting import Setting

MODE = Setting(("metadata", "annotations", "sidecar.istio.io/interceptionMode"), "TPROXY")
POLICY = Setting(("spec", "externalTrafficPolicy"), "Local")
FLOW = '{"sidecar.istio.io/interceptionMode": "TPROXY"}'
HEAD = "apiVersion: v1\nkind: X\n"


def baked(text: str, *settings: Setting) -> str:
    """Write the same settings into every manifest of a text."""
    source = file("f.yaml", text)
    return bake(source, dict.fromkeys(source.manifests, settings))


def changes(text: str, *settings: Setting) -> list[str]:
    """List the lines that go and come."""
    lines = difflib.ndiff(text.splitlines(), baked(text, *settings).splitlines())
    return [line for line in lines if line[0] in "+-"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "metadata:\n  name: a # b\n",
            ["+   annotations:", "+     sidecar.istio.io/interceptionMode: TPROXY"],
        ),
        (
            "metadata: # c\n    name: a",
            ["+     annotations:", "+         sidecar.istio.io/interceptionMode: TPROXY"],
        ),
        (
            "metadata:\n  annotations:\n  # about b\n  b: c\n",
            ["+     sidecar.istio.io/interceptionMode: TPROXY"],
        ),
        (
            "metadata:\n  annotations:\n    # about b\n    b: c\n",
            ["+     sidecar.istio.io/interceptionMode: TPROXY"],
        ),
        (
            "metadata:\n  annotations: &mine\n    b: c\n",
            ["+     sidecar.istio.io/interceptionMode: TPROXY"],
        ),
        (
            "x: &shared {b: c}\nmetadata:\n  annotations:\n    <<: *shared\n",
            ["+     sidecar.istio.io/interceptionMode: TPROXY"],
        ),
        (
            "metadata:\n  annotations: {}\n",
            [
                "-   annotations: {}",
                '+   annotations: {"sidecar.istio.io/interceptionMode": "TPROXY"}',
            ],
        ),
        (
            "metadata:\n  annotations: null\n",
            [
                "-   annotations: null",
                '+   annotations: {"sidecar.istio.io/interceptionMode": "TPROXY"}',
            ],
        ),
        (
            "metadata: {annotations: }\n",
            [
                "- metadata: {annotations: }",
                '+ metadata: {annotations: {"sidecar.istio.io/interceptionMode": "TPROXY"} }',
            ],
        ),
        (
            "metadata: &m {name: a}\n",
            [
                "- metadata: &m {name: a}",
                f'+ metadata: &m {{"annotations": {FLOW}, name: a}}',
            ],
        ),
    ],
)
def test_annotation(text: str, expected: list[str]) -> None:
    """The annotation is added in the style of its surroundings, and nothing else is touched."""
    assert [line for line in changes(HEAD + text, MODE) if line[0] != "?"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spec:\n  type: a\n", "spec:\n  externalTrafficPolicy: Local\n  type: a\n"),
        ("spec:\r\n  type: a\r\n", "spec:\r\n  externalTrafficPolicy: Local\r\n  type: a\r\n"),
        ("spec:\n", "spec:\n  externalTrafficPolicy: Local\n"),
        ("spec:", "spec:\n  externalTrafficPolicy: Local"),
        ("spec: {type: a}\n", 'spec: {"externalTrafficPolicy": "Local", type: a}\n'),
        ("spec: { type: a }\n", 'spec: { "externalTrafficPolicy": "Local", type: a }\n'),
        (
            "spec: {\n  type: a\n}\n",
            'spec: {\n  "externalTrafficPolicy": "Local",\n  type: a\n}\n',
        ),
        (
            "spec:\n  externalTrafficPolicy:   # which?\n",
            "spec:\n  externalTrafficPolicy: Local   # which?\n",
        ),
        ('spec:\n  externalTrafficPolicy: ""\n', "spec:\n  externalTrafficPolicy: Local\n"),
        (
            'spec: {"externalTrafficPolicy": null}\n',
            'spec: {"externalTrafficPolicy": "Local"}\n',
        ),
    ],
)
def test_field(text: str, expected: str) -> None:
    """A field is added, or put in the place of an empty one, whatever the text's style."""
    assert baked(HEAD + text, POLICY) == HEAD + expected


def test_several_objects() -> None:
    """Each object of a file gets its own settings, those inside of a List too."""
    item = "- apiVersion: v1\n  kind: X\n  spec:\n    a: b\n"
    text = f"apiVersion: v1\nkind: List\nitems:\n{item}{item}---\n{HEAD}spec: {{}}\n"
    assert [line for line in changes(text, POLICY) if "-" not in line[0]] == [
        "+     externalTrafficPolicy: Local",
        "+     externalTrafficPolicy: Local",
        '+ spec: {"externalTrafficPolicy": "Local"}',
    ]


def test_nothing_to_set() -> None:
    """Without a setting the text stays as it is, byte for byte."""
    text = f"# odd   \n{HEAD}a:   'b'   # c\n"
    assert baked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "x: &m {b: c}\nmetadata: {name: a, annotations: *m}\n",
        "metadata:\n  annotations: &m\n    b: c\n  labels: *m\n",
        "metadata:\n  annotations: &m\n    <<: &n {b: c}\n",
        "metadata:\n  annotations:\n    &m\n    b: c\n",
    ],
)
def test_shared_text(text: str) -> None:
    """What cannot be written without changing another place is not written."""
    with pytest.raises(ManifestError, match=r"f\.yaml:1: X.* shares YAML with another place"):
        baked(HEAD + text, MODE)


def test_only_the_named() -> None:
    """Manifests that are not named get nothing."""
    source = file("f.yaml", f"{HEAD}spec: {{}}\n---\n{HEAD}spec: {{}}\n")
    text = bake(source, {source.manifests[1]: [POLICY]})
    assert text == f'{HEAD}spec: {{}}\n---\n{HEAD}spec: {{"externalTrafficPolicy": "Local"}}\n'
