"""Texts that YAML parsers disagree about, and what kubectl reads of them."""

from typing import Any, Final

_HEAD: Final = "apiVersion: v1\nkind: X\n"


def _x(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "X", **fields}


READ: Final[dict[str, tuple[str | bytes, list[Any]]]] = {
    "a plain =": (f"{_HEAD}v: =\n", [_x(v="=")]),
    "a number that overflows": (f"{_HEAD}v: 7e12345\n", [_x(v="7e12345")]),
    "an integer of 64 bits": (f"{_HEAD}v: 9223372036854775807\n", [_x(v=2**63 - 1)]),
    "an integer of more": (f"{_HEAD}v: 18446744073709551615\n", [_x(v=float(2**64))]),
    "an integer of far more": (f"{_HEAD}v: {'9' * 400}\n", [_x(v="9" * 400)]),
    "a large float": (f"{_HEAD}v: 98060120941456412.0\n", [_x(v=98060120941456420)]),
    "octal": (f"{_HEAD}v: [0777, 0o17, 08, 1_000, 0_7]\n", [_x(v=[511, 15, 8, 1000, 7])]),
    "other bases": (
        f"{_HEAD}v: [0x1F, -0xf, 0b11, -0b11, 0b-11, 0b2, 0xg]\n",
        [_x(v=[31, -15, 3, -3, -3, "0b2", "0xg"])],
    ),
    "floats": (
        f"{_HEAD}v: [1.0, 1e3, .5, -.5, +1, 1., 1.5e300, 1e22, ._5, .e1]\n",
        [_x(v=[1, 1000, 0.5, -0.5, 1, 1, 1.5e300, 1e22, "._5", ".e1"])],
    ),
    "no sexagesimals": (f"{_HEAD}v: [1:30, 190:20:30.15]\n", [_x(v=["1:30", "190:20:30.15"])]),
    "booleans": (
        f"{_HEAD}v: [y, N, yes, Off, TRUE, yEs, 'no', \"on\"]\n",
        [_x(v=[True, False, True, False, True, "yEs", "no", "on"])],
    ),
    "nulls": (
        f"{_HEAD}v: [~, null, NULL, nULL, '']\nw:\n",
        [_x(v=[None] * 3 + ["nULL", ""], w=None)],
    ),
    "timestamps": (
        f"{_HEAD}v: [2001-01-01, !!timestamp 2001-1-1]\n",
        [_x(v=["2001-01-01", "2001-1-1"])],
    ),
    "keys that are no text": (
        f"{_HEAD}v: {{1: a, yes: b, 1.10: c, 1e9: d, 0x10: e, .inf: f, -.INF: g, .nan: h}}\n",
        [
            _x(
                v=dict(
                    zip(
                        ["1", "true", "1.1", "1e+09", "16", ".inf", "-.inf", ".nan"],
                        "abcdefgh",
                        strict=True,
                    )
                )
            )
        ],
    ),
    "a key that is too large for 32 bits": (
        f"{_HEAD}v: {{1e300: a, -1e300: b}}\n",
        [_x(v={".inf": "a", "-.inf": "b"})],
    ),
    "texts that begin like binary numbers": (
        f"{_HEAD}v: [-0b-1, 0b{'1' * 70}, 0b-{'1' * 70}, '0b']\n",
        [_x(v=["-0b-1", f"0b{'1' * 70}", f"0b-{'1' * 70}", "0b"])],
    ),
    "tags": (
        f"{_HEAD}v: [!!str 1, !!int '3', !!float 3, !!bool yes, !!null '', !Ref x, ! 1]\n",
        [_x(v=["1", 3, 3, True, None, "x", "1"])],
    ),
    "binary": (f"{_HEAD}v: !!binary aGk=\n", [_x(v="hi")]),
    "binary that is no text": (f"{_HEAD}v: !!binary 4oIo/w==\n", [_x(v="\ufffd\ufffd(\ufffd")]),
    "tags on collections": (f"{_HEAD}v: !!set {{a: !foo [b]}}\n", [_x(v={"a": ["b"]})]),
    "a tab after a value": (f"{_HEAD}v: a\t\nw: b\t# c\nx:\tc\n", [_x(v="a", w="b", x="c")]),
    "a key twice": (f"{_HEAD}v: 1\nv: {{a: 1, a: 2}}\n", [_x(v={"a": 2})]),
    "a merge": (
        f"""{_HEAD}v: &v {{a: 1, b: 1}}
w: {{<<: *v, b: 2}}
x: {{b: 2, <<: *v}}
u: {{<<: [{{a: 1}}, {{a: 2, c: 3}}]}}
z: {{'<<': 1}}
""",
        [
            _x(
                v={"a": 1, "b": 1},
                w={"a": 1, "b": 2},
                x={"a": 1, "b": 1},
                u={"a": 1, "c": 3},
                z={"<<": 1},
            )
        ],
    ),
    "aliases": (
        f"{_HEAD}v: &a 1\nw: [*a]\nx: &b [*a]\nu: &a 2\n&k t: {{*k : *a}}\n",
        [_x(v=1, w=[1], x=[1], u=2, t={"t": 2})],
    ),
    "null items": (f"{_HEAD}v:\n-\n- ~\n-   # c\n", [_x(v=[None, None, None])]),
    "explicit keys": (f"{_HEAD}? v\n: 1\n? w\n", [_x(v=1, w=None)]),
    "a colon before a bracket": (
        f"{_HEAD}v: [1::, 001:db8::]\nw: {{a: fe80::}}\n",
        [_x(v=["1::", "001:db8::"], w={"a": "fe80::"})],
    ),
    "a block without its last line break": (f"{_HEAD}v: |\n  a", [_x(v="a\n")]),
    "line breaks of Windows": (
        f"{_HEAD}v: |\n  a\n---\n{_HEAD}".replace("\n", "\r\n"),
        [_x(v="a\n"), _x()],
    ),
    "a line of --- in a block": (f"{_HEAD}v: |\n  a\n---\n{_HEAD}", [_x(v="a\n"), _x()]),
    "comments behind ---": (f"---\n# c\n--- # c\n{_HEAD}---\t\n---\n{_HEAD}", [_x(), _x()]),
    "what stands behind ...": (f"{_HEAD}...\n{_HEAD}v: 1\n", [_x()]),
    "a byte order mark": (f"\ufeff---\n{_HEAD}", [_x()]),
    "a byte order mark in a later document": (f"{_HEAD}---\n\ufeff{_HEAD}", [_x(), _x()]),
    "a byte order mark inside a document": (f"{_HEAD}\ufeffv: 1\n", [_x(**{"\ufeffv": 1})]),
    "UTF-16": (f"{_HEAD}v: ü\n".encode("utf-16"), [_x(v="ü")]),
    "UTF-16, big-endian": (b"\xfe\xff" + f"{_HEAD}v: ü\n".encode("utf-16-be"), [_x(v="ü")]),
    "Latin-1": (f"{_HEAD}v: aü€\n".encode("latin-1", "replace"), [_x(v="a\ufffd?")]),
    "other line breaks": (f"{_HEAD}v: a\u0085w: b\u2028x: c\n", [_x(v="a", w="b", x="c")]),
    "JSON objects one after another": (
        """{"apiVersion": "v1", "kind": "X"}{"apiVersion": "v1", "kind": "X", "v": 1}
        {"apiVersion": "v1", "kind": "X", "v": [1.0, 1e2, 18446744073709551615]}""",
        [_x(), _x(v=1), _x(v=[1, 100, float(2**64)])],
    ),
    "JSON's own escapes": (
        r'{"apiVersion": "v1", "kind": "X", "v": ["\/\ud83d\ude00\ud83d"], "w": {"a": 1, "a": 2}}',
        [_x(v=["/\U0001f600\ufffd"], w={"a": 2})],
    ),
    "JSON with tabs and long keys": (
        '{\n\t"apiVersion":"v1",\n\t"kind":"X",\n\t"' + "k" * 2000 + '"\n:\n1}',
        [_x(**{"k" * 2000: 1})],
    ),
    "null between JSON objects": (
        '{"apiVersion": "v1", "kind": "X"}\nnull\n{"apiVersion": "v1", "kind": "X", "v": null}',
        [_x(), _x(v=None)],
    ),
    "JSON, then YAML": (
        f'{{"apiVersion": "v1", "kind": "X"}}\n---\n{_HEAD}v: no\n',
        [_x(), _x(v=False)],
    ),
    "YAML that begins like JSON": ("{apiVersion: v1, kind: X, v: [a, ]}}\n", [_x(v=["a"])]),
    "JSON in a later document": (
        f'{_HEAD}---\n{{"apiVersion": "v1",\n\t"kind": "X"}}\n',
        [_x(), _x()],
    ),
    "nothing": ("# c\n---\n\n---\nnull\n---\n~\n", []),
}
"""Texts by what is tricky about them, each with its documents."""

REFUSED: Final[dict[str, str]] = {
    "a directive": f"%YAML 1.1\n---\n{_HEAD}",
    "content behind ---": f"--- {{a: b}}\n{_HEAD}",
    "four dashes": f"{_HEAD}----\n{_HEAD}",
    "a template": "{{ if x }}\n" + _HEAD,
    "a template as a value": f"{_HEAD}v: {{{{ .Values.v }}}}\n",
    "infinity": f"{_HEAD}v: .inf\n",
    "not a number": f"{_HEAD}v: .nan\n",
    "a null key": f"{_HEAD}v: {{~: 1}}\n",
    "a mapping as a key": f"{_HEAD}? {{a: b}}\n: 1\n",
    "an integer of more than 64 bits as a key": f"{_HEAD}v: {{18446744073709551615: 1}}\n",
    "a long float without a point": f"{_HEAD}v: !!float 18446744073709551615\n",
    "a wrong tag": f"{_HEAD}v: !!int a\n",
    "binary that is no base64": f"{_HEAD}v: !!binary '!'\n",
    "an alias of nothing": f"{_HEAD}v: *a\n",
    "an alias inside of itself": f"{_HEAD}v: &a [*a]\n",
    "a merge of no mapping": f"{_HEAD}<<: 1\n",
    "JSON's slash in YAML": f'{_HEAD}v: "\\/"\n',
    "a question mark between brackets": f"{_HEAD}v: [a?b]\n",
    "a tab as indentation": f"{_HEAD}v:\n\ta: 1\n",
    "a control character": f"{_HEAD}v: \x01\n",
    "an unknown tag handle": f"{_HEAD}v: !x!y z\n",
    "too large for JSON": '{"apiVersion": "v1", "kind": "X", "v": 1e999}',
}
"""Texts that kubectl refuses, by what is wrong with them."""
