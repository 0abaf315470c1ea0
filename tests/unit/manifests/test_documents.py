"""Reading YAML as kubectl does."""

from typing import Any

import pytest

from tests.differential.texts import READ, REFUSED
from webhook.manifests import objects, values
from webhook.manifests.documents import Document, ManifestError, parse
from webhook.manifests.nodes import MappingNode, ScalarNode, SequenceNode, members
from webhook.manifests.values import Scalar, plain


def read(text: str) -> list[Document]:
    """Parse a text in which nothing is wrong."""
    found = list(parse("f.yaml", text))
    assert all(isinstance(document, Document) for document in found), found
    return [document for document in found if isinstance(document, Document)]


def data(text: str) -> list[Any]:
    """Parse to plain data."""
    return [document.data for document in read(text)]


def problem(text: str) -> str:
    """Parse a text of which one document cannot be read."""
    (only,) = [str(each) for each in parse("f.yaml", text) if isinstance(each, ManifestError)]
    return only


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_read_as_kubectl(text: str | bytes, expected: list[Any]) -> None:
    """What YAML parsers disagree about is read as kubectl reads it."""
    content = text if isinstance(text, bytes) else text.encode()
    assert data(objects.decode("f.yaml", content).text) == expected


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused_as_by_kubectl(text: str) -> None:
    """What kubectl refuses is refused."""
    assert any(isinstance(document, ManifestError) for document in parse("f.yaml", text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# only a comment\n", []),
        ("---\n---\na: 1\n---\nnull\n", [{"a": 1}]),
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ('{\n\t"a": [1, "x"]\n}\n', [{"a": [1, "x"]}]),
        ("a: yes\nb: 'yes'\nc: Off\n", [{"a": True, "b": "yes", "c": False}]),
        ("a: 2001-01-01\n", [{"a": "2001-01-01"}]),
        ("a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n", [{"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}}]),
        ("a: &x 1\nb: &x 2\n", [{"a": 1, "b": 2}]),
        ("1: a\n", [{"1": "a"}]),
    ],
)
def test_data(text: str, expected: object) -> None:
    """Documents come as JSON would carry them, empty ones not at all."""
    assert data(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a:\n\tb: 1\n", "f.yaml:2: a tab stands where YAML wants spaces: indent with spaces."),
        ("a: 1\n \tb: 1\n", "f.yaml:2: a tab stands where YAML wants spaces: indent with spaces."),
        (
            "a: 1\nb: [\n",
            "f.yaml:3: this is not valid YAML: did not find expected node content.",
        ),
        (
            "a: 1\nb: \x00\n",
            "f.yaml:2: this is not valid YAML: control characters are not allowed.",
        ),
        ("a: {{ .Values.x }}\n", "f.yaml:1: this looks like a Helm template: render it first"),
        ("a: 1\n{{- if .b }}\nb: 1\n{{- end }}\n", "f.yaml:2: this looks like a Helm template: "),
        ("a: |\n  {{ x }}\nb: [\nc: d\n", "f.yaml:5: this is not valid YAML: did not find"),
        ("a: |\n  {{ x }}\nb: .inf\n", "f.yaml:3: kubectl cannot read this document: .inf is"),
        ("a: 1\n---\na: .nan\n", "f.yaml:3: kubectl cannot read this document: .nan is nothing"),
        ("a: &a [*a]\n", "f.yaml:1: kubectl cannot read this document: the alias *a stands inside"),
        ("a: *b\n", "the alias *b stands for nothing before it."),
        ("a:\n  <<: [{}, 1]\n", "f.yaml:2: kubectl cannot read this document: a << merges in"),
        ("a: 1\n--- b\nc\n", "f.yaml:2: kubectl takes nothing behind the --- of a line: put `b`"),
        ("%YAML 1.2\n---\n", "f.yaml:1: kubectl reads no directive, because to it a document ends"),
        (
            '{"a": 1}\n{"b": 2}\n{"c"}\n',
            "f.yaml:3: this is not valid JSON: Expecting ':' delimiter.",
        ),
        ('{"a": 1}\n{"b": 2}\n[NaN]', "f.yaml:3: this is not valid JSON: it has NaN or Infinity."),
        ('{"a": 1}{"b": 2}' + "[" * 100_000, "f.yaml:1: this document is nested too deeply."),
        ("a: 1\nb:\n  c: 1\n d: 2\n", "did not find expected key, while parsing a block mapping."),
        ("[" * 1000 + "]" * 1000, "f.yaml:1: this document is nested too deeply."),
        ("{}\n:", "f.yaml:2: this is not valid JSON: Expecting"),
    ],
)
def test_errors(text: str, sentence: str) -> None:
    """An error names the file and the line, and says what is wrong in one sentence."""
    assert sentence in problem(text)
    assert "\n" not in problem(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n--- b\nc: 1\n---\nd: 1\n", [{"a": 1}, None, {"d": 1}]),
        ("a: [\n---\nb: 1\n", [None, {"b": 1}]),
        ('{"a": 1}\n{"b": 2}\n{"c"}\n{"d": 3}', [{"a": 1}, {"b": 2}, None, {"d": 3}]),
        ("--- a\n--- b\n", [None, None]),
    ],
)
def test_others_are_read(text: str, expected: list[Any]) -> None:
    """A document that cannot be read costs no other one."""
    found = [each.data if isinstance(each, Document) else None for each in parse("f.yaml", text)]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "a: 1\nb: 1\na: 2\n",
            'f.yaml:3: the key "a" is there twice in one mapping: kubectl takes the last one.',
        ),
        (
            'a: 1\n---\n{"a": 1, "b": [{"c": 1,\n"c": 2}]}',
            'f.yaml:4: the key "c" is there twice in one mapping: kubectl takes the last one.',
        ),
        (
            '{"b": 1}\n{"a": 1, "a": 2}',
            'f.yaml:2: the key "a" is there twice in one mapping: kubectl takes the last one.',
        ),
        (
            "a: 1\n...\nb: 2\n",
            "f.yaml:2: kubectl reads nothing from here to the next line of ---: put one where",
        ),
        ("a: 1\r---\rb: 2\r", "kubectl reads nothing from here"),
    ],
)
def test_warnings(text: str, warning: str) -> None:
    """What kubectl reads otherwise than its author may think is said."""
    (only,) = [warning for document in read(text) for warning in document.warnings]
    assert warning in str(only)


def test_merged_twice() -> None:
    """A key is there once where one is a mapping's own, and the other is merged in."""
    (document,) = read("a: &a {b: 1, c: 1}\nd: {<<: *a, b: 2}\ne: {b: 2, <<: *a}\n")
    assert document.warnings == ()


LEVELS = "".join(f"l{n}: &l{n} [{', '.join(9 * [f'*l{n - 1}'])}]\n" for n in range(1, 9))
MERGES = "".join(f"l{n}: &l{n}\n  <<: [{', '.join(9 * [f'*l{n - 1}'])}]\n" for n in range(1, 9))


@pytest.mark.parametrize("text", [f"l0: &l0 [x]\n{LEVELS}", f"l0: &l0 {{a: x}}\n{MERGES}"])
def test_bomb(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A few lines whose aliases stand for millions are refused before they take any memory."""
    expanded = 0

    def counted(scalar: str) -> Scalar:
        nonlocal expanded
        expanded += 1
        return plain(scalar)

    monkeypatch.setattr(values, "plain", counted)
    assert (
        "kubectl cannot read this document: its aliases (*) stand for more values than kubectl "
        "reads, so write out what is needed of them."
    ) in problem(f"a: 1\n---\n{text}")
    assert expanded < 10_000  # of the 43 million that the last level stands for


def test_many_aliases() -> None:
    """Aliases are counted, not values: what is merely long, or shared in earnest, is read."""
    values = ", ".join(["*a"] * 1000)
    (document,) = data(f"a: &a [1, 2, 3]\nb: [{values}]\n")
    assert document == {"a": [1, 2, 3], "b": [[1, 2, 3]] * 1000}


def test_members() -> None:
    """A mapping's own member wins over the one that it merges in; nothing else has members."""
    (document,) = read("a: &x {k: 1}\nb:\n  <<: *x\n  k: 2\n")
    _, merging = members(document.node)["b"]
    _, value = members(merging)["k"]
    assert value.value == "2"
    assert members(value) == {}


@pytest.mark.parametrize(
    "text",
    [
        '\ufeff{"a": [1, {"b": null}, "x", []], "c": {}}\n{"d": {"e": true}}',
        "\ufeffa: [1, {b: null}, x, []]\nc: {}\n---\n\ufeffd: {e: true}",
        "# é😀\na: é\nb: &b {c: 😀, d: e}\nf: {<<: *b, g: [h]}\n",
    ],
)
def test_nodes(text: str) -> None:
    """Nodes know their places in the file: index, line and column."""
    waiting = [document.node for document in read(text)]
    scalars = 0
    while waiting:
        node = waiting.pop()
        if isinstance(node, MappingNode):
            waiting += [each for pair in node.value for each in pair]
        elif isinstance(node, SequenceNode):
            waiting += node.value
        else:
            scalars += 1
            start, end = node.start_mark, node.end_mark
            assert text[start.index : end.index].strip('"') == node.value
            lines = text[: start.index].removeprefix("\ufeff").split("\n")
            assert start.line == len(lines) - 1
            if "\ufeff" not in text:
                assert start.column == len(lines[-1])
    assert scalars


def test_root_that_is_no_mapping() -> None:
    """Any document has a node, JSON's too."""
    nodes = [document.node for document in read("- 1\n---\nx\n")]
    assert [type(node) for node in nodes] == [SequenceNode, ScalarNode]
    nodes = [document.node for document in read('{}[1]"a" 2')]
    assert [type(node) for node in nodes] == [MappingNode, SequenceNode, ScalarNode, ScalarNode]


@pytest.mark.parametrize("text", ["- %s\n", "items:\n- %s\n", '[%s]\n---\n{"a": 1}'])
def test_nested_too_deeply(text: str) -> None:
    """However deeply a document is nested, it is read, or refused in a sentence."""
    for levels in range(940, 1000):
        for each in parse("f.yaml", text.replace("%s", levels * "[" + levels * "]")):
            if isinstance(each, ManifestError):
                assert str(each) == "f.yaml:1: this document is nested too deeply."
