"""Writing settings into the text of manifests."""

import difflib

import pytest

from webhook.manifests.documents import ManifestError
from webhook.manifests.objects import find_objects
from webhook.offline.bake import Setting, bake

MODE = Setting(("metadata", "annotations", "sidecar.istio.io/interceptionMode"), "TPROXY")
POLICY = Setting(("spec", "externalTrafficPolicy"), "Local")
FLOW = '{"sidecar.istio.io/interceptionMode": "TPROXY"}'
HEAD = "apiVersion: v1\nkind: X\n"


def baked(text: str, *settings: Setting) -> str:
    """Write the same settings into every manifest of a text."""
    source = find_objects("f.yaml", text)
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
            "metadata:\n  annotations:\n    ? b\n    : c\n",
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
        ("spec:\n  a: b\r\n  c: d\n", "spec:\n  externalTrafficPolicy: Local\n  a: b\r\n  c: d\n"),
        ("spec:\r\n  a: b\n", "spec:\r\n  externalTrafficPolicy: Local\r\n  a: b\n"),
        ("spec:\r  a: b\r", "spec:\r  externalTrafficPolicy: Local\r  a: b\r"),
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


def test_no_line_below() -> None:
    """Where the text ends at the key, its other lines show how lines end."""
    text = "apiVersion: v1\r\nkind: X\r\nspec:"
    assert baked(text, POLICY) == f"{text}\r\n  externalTrafficPolicy: Local"


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
        "x: &m {annotations: {b: c}}\nmetadata:\n  <<: *m\n  name: a\n",
        "metadata: &m\n  name: a\nspec: {template: {metadata: *m}}\n",
    ],
)
def test_shared_text(text: str) -> None:
    """What cannot be written without changing another place is not written."""
    with pytest.raises(ManifestError, match=r"f\.yaml:1: X.* shares YAML with another place"):
        baked(HEAD + text, MODE)


DEEP = 600 * "[" + 600 * "]"


def test_nested_too_deeply() -> None:
    """What can be read, and is too deep for its places to be found, is refused in a sentence."""
    text = f'{{"apiVersion": "v1", "kind": "X", "metadata": {{"name": "a"}}, "x": {DEEP}}}'
    assert find_objects("f.json", text).problems == ()
    with pytest.raises(ManifestError, match=r"f\.yaml:1: X/a is nested too deeply to be edited\."):
        baked(text, MODE)


def test_which_one_cannot_be_edited() -> None:
    """Of many objects the one is named that is at fault, wherever it stands among the others."""
    good = f"{HEAD}metadata: {{name: a}}\n"
    bad = f"{HEAD}metadata:\n  ? annotations\n  : b: c\n"
    for place in range(4):
        texts = [good, good, good]
        texts.insert(place, bad)
        with pytest.raises(ManifestError, match=rf"f\.yaml:{4 * place + 1}: X has a form"):
            baked("---\n".join(texts), MODE)


def test_aliases_of_other_documents() -> None:
    """What is shared in one document is no obstacle in another."""
    shared = f"{HEAD}metadata: {{labels: &m {{a: b}}}}\nx: *m\n"
    text = f"{shared}---\n{HEAD}metadata: {{annotations: {{a: b}}}}\n"
    assert baked(text, MODE).count("TPROXY") == 2


ITEM = "- apiVersion: v1\n  kind: X\n  metadata: {name: a, annotations: *m}\n"


@pytest.mark.parametrize(
    "text",
    [
        f"x: &m {{b: c}}\napiVersion: v1\nkind: List\nitems:\n{ITEM}",
        f"apiVersion: v1\nkind: List\nitems:\n{ITEM.replace('*m', '&m {}')}{ITEM}",
        "apiVersion: v1\nkind: List\nitems:\n- &m {apiVersion: v1, kind: X, metadata: {}}\n- *m\n",
    ],
)
def test_shared_text_in_a_list(text: str) -> None:
    """What is shared with another object of a List is found too, or with the List itself."""
    with pytest.raises(ManifestError, match="shares YAML with another place"):
        baked(text, MODE)


@pytest.mark.parametrize(
    "text",
    [
        "metadata:\n  ? annotations\n  : b: c\n",
        "metadata:\n  ? annotations\n",
        "metadata: {annotations}\n",
        "metadata:\n  annotations:\n    &m\n    b: c\n",
        "metadata:\n  annotations: &m\n    <<: &n {b: c}\n",
        "x: [&p 1, *p]\nmetadata:\n  ? annotations\n  : b: c\n",
    ],
)
def test_form_that_cannot_be_edited(text: str) -> None:
    """Where nothing on the way is shared, no anchor is blamed; and what to do is said."""
    with pytest.raises(ManifestError) as raised:
        baked(HEAD + text, MODE)
    assert str(raised.value) == (
        "f.yaml:1: X has a form that cannot be edited in place: write "
        "metadata.annotations.sidecar.istio.io/interceptionMode: TPROXY into it yourself, or write "
        "each key on that way as a plain line, `key:`, with nothing but its value behind it."
    )


def test_the_object_at_fault_is_named() -> None:
    """One object's form is not blamed upon the objects before it."""
    fine = f"{HEAD}metadata: {{name: a}}\n---\n"
    with pytest.raises(ManifestError, match=r"f\.yaml:9: X has a form that cannot be edited"):
        baked(f"{fine}{fine}{HEAD}metadata: {{annotations}}\n", MODE)


def test_only_the_named() -> None:
    """Manifests that are not named get nothing."""
    source = find_objects("f.yaml", f"{HEAD}spec: {{}}\n---\n{HEAD}spec: {{}}\n")
    text = bake(source, {source.manifests[1]: [POLICY]})
    assert text == f'{HEAD}spec: {{}}\n---\n{HEAD}spec: {{"externalTrafficPolicy": "Local"}}\n'
