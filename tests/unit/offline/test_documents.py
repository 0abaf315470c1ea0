"""Reading YAML as kubectl does."""

import time

import pytest

from webhook.offline.documents import ManifestError, members, parse


def data(text: str) -> list[object]:
    """Parse to plain data."""
    return [document.data for document in parse("f.yaml", text)]


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
        ("a: 1\nb: 1\na: 2\n", 'f.yaml:3: the key "a" is there twice in one mapping'),
        ("a:\n\tb: 1\n", "f.yaml:2: a tab stands where YAML wants spaces: indent with spaces."),
        ("a: 1\nb: [\n", "f.yaml:3: this is not valid YAML: expected the node content"),
        ("a: 1\nb: \x00\n", "f.yaml:2: this is not valid YAML: unacceptable character"),
        ("a: 1\nb: !Ref x\n", "f.yaml:2: this is not valid YAML: could not determine"),
        ("a: {{ .Values.x }}\n", "f.yaml:1: this looks like a Helm template: render it first"),
        ("a: 1\n{{- if .b }}\nb: 1\n{{- end }}\n", "render it first, with `helm template`."),
        ("a: 1\n---\na: .nan\n", "f.yaml:3: this document is no JSON object"),
        ("a: !!binary aGk=\n", "f.yaml:1: this document is no JSON object"),
        ("a: &a [*a]\n", "f.yaml:1: this document is no JSON object"),
        (
            '{"a": 1}\n{"b": 1}\n',
            "f.yaml:2: another document begins here without a line of --- before it: add one.",
        ),
        ("{a: 1}}\n", "f.yaml:1: this is not valid YAML: expected '<document start>'"),
        ("[" * 1000, "f.yaml:1: this document is nested too deeply."),
    ],
)
def test_errors(text: str, sentence: str) -> None:
    """An error names the file and the line, and says what is wrong in one sentence."""
    with pytest.raises(ManifestError) as raised:
        data(text)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


LEVELS = "".join(f"l{n}: &l{n} [{', '.join(9 * [f'*l{n - 1}'])}]\n" for n in range(1, 9))
MERGES = "".join(f"l{n}: &l{n}\n  <<: [{', '.join(9 * [f'*l{n - 1}'])}]\n" for n in range(1, 9))


@pytest.mark.parametrize("text", [f"l0: &l0 [x]\n{LEVELS}", f"l0: &l0 {{a: x}}\n{MERGES}"])
def test_bomb(text: str) -> None:
    """A few lines whose aliases stand for millions are refused before they take any memory."""
    began = time.perf_counter()
    with pytest.raises(ManifestError) as raised:
        data(f"a: 1\n---\n{text}")
    assert time.perf_counter() - began < 1
    assert str(raised.value) == (
        "f.yaml:3: the aliases (*) of this document stand for more than 400000 values, which are "
        "too many to read: write out what is needed of them."
    )


def test_many_aliases() -> None:
    """Aliases are counted, not values: what is merely long, or shared in earnest, is read."""
    values = ", ".join(["*a"] * 1000)
    (document,) = data(f"a: &a [1, 2, 3]\nb: [{values}]\n")
    assert document == {"a": [1, 2, 3], "b": [[1, 2, 3]] * 1000}


def test_members() -> None:
    """A mapping's own member wins over the one that it merges in; nothing else has members."""
    (document,) = parse("f", "a: &x {k: 1}\nb:\n  <<: *x\n  k: 2\n")
    _, merging = members(document.node)["b"]
    _, value = members(merging)["k"]
    assert value.value == "2"
    assert members(value) == {}
