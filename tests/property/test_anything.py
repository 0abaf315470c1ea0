"""Whatever arrives, it is answered or refused with one sentence; nothing else ever happens."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.property.effort import tried
from tests.property.judging import judge
from tests.property.objects import TEXT
from tests.reviews import Json, recorded, review
from tests.situations import ENABLED, LAST_APPLIED, pod, service
from webhook.admission.options import Options

NUMBERS = st.sampled_from(
    [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 2**63, -(2**64), 10**400]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NUMBERS | st.text() | TEXT,
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(), child, max_size=3),
    max_leaves=8,
)
WHOLE = review("Pod", pod({"a": "b"}))
PLACES: list[tuple[str, ...]] = [
    *(("apiVersion",), ("kind",), ("request",), ("request", "uid"), ("request", "kind")),
    *(("request", "operation"), ("request", "namespace"), ("request", "name")),
    *(("request", "subResource"), ("request", "dryRun"), ("request", "unknown")),
    *(("request", "object"), ("request", "object", "metadata"), ("request", "object", "spec")),
    *(("request", "object", "metadata", name) for name in ("labels", "annotations", "name")),
    ("request", "object", "metadata", "annotations", "sidecar.istio.io/interceptionMode"),
]
SURROGATES = (r"\ud800", r"\udc00", r"\ud800\ud800", r"\udbff\u0041", r"\ud83d\ude00", r"\ud8")
NOT_UTF8 = (b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82")


@tried(150)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example(WHOLE.decode().encode("utf-16"))
@example(b"\x00" * 100)
def test_any_bytes(body: bytes) -> None:
    """Bytes that are anything, the empty ones too, are refused."""
    assert judge(body, ENABLED, Options()) is None


@tried(120)
@given(ANYTHING, st.booleans())
def test_any_json(document: Any, ascii_only: bool) -> None:
    """JSON that is anything, with numbers that JSON does not have, is refused."""
    text = json.dumps(document, ensure_ascii=ascii_only)

    assert judge(text.encode("utf-8", "surrogatepass"), ENABLED, Options()) is None


@tried(150)
@given(st.sampled_from(PLACES), ANYTHING)
def test_any_json_in_the_place_of_a_field(place: tuple[str, ...], value: Any) -> None:
    """A field that holds anything at all leads to an answer or a refusal."""
    document = json.loads(WHOLE)
    parent: Json = document
    for name in place[:-1]:
        parent = parent[name]
    parent[place[-1]] = value

    judge(json.dumps(document).encode(), ENABLED, Options())


@tried(150)
@given(st.integers(0, len(WHOLE)), st.integers(0, 8), st.binary(max_size=8))
def test_any_damage(start: int, length: int, patch: bytes) -> None:
    """A review of which some bytes were lost, added or changed is answered or refused."""
    judge(WHOLE[:start] + patch + WHOLE[start + length :], ENABLED, Options())


@pytest.mark.parametrize("key", ["uid", "namespace", "name", "unknown", "operation", "kind"])
@pytest.mark.parametrize("text", [*(s.encode() for s in SURROGATES), *NOT_UTF8, b"\\u0000", b"\n"])
def test_text_that_is_none(key: str, text: bytes) -> None:
    """Half surrogates, broken UTF-8 and control characters never get further than the decoder."""
    member = b'"' + key.encode() + b'": "' + text + b'", "uid": "1"}}'
    body = review("Pod", pod()).removesuffix(b"}}") + b", " + member

    judge(body, ENABLED, Options())
    judge(body.replace(b'": "', b'": {"' + text + b'": "', 1), ENABLED, Options())


@pytest.mark.parametrize("depth", [500, 1_500, 100_000, 1_000_000])
@pytest.mark.parametrize("opening", [b"[", b'{"x":', b'{"request":', b'[{"":'])
def test_deep_nesting(opening: bytes, depth: int) -> None:
    """Nesting of any depth, instead of the review, of a field or of the object, is survived."""
    nested = opening * depth

    assert judge(nested, ENABLED, Options()) is None
    for field in (b'"new"', b'"object"', b'"oldObject"', b'"uid"'):
        assert (
            judge(WHOLE.removesuffix(b"}}") + b"," + field + b":" + nested, ENABLED, Options())
            is None
        )


@pytest.mark.parametrize("manifest", ["[" * 100_000, '{"spec":' * 100_000, "9" * 100_000, "\x00"])
def test_deep_last_applied(manifest: str) -> None:
    """What a client left in the last-applied annotation is read with the same care."""
    body = review("Service", service(last_applied=manifest))

    assert judge(body, ENABLED, Options()) is not None


@pytest.mark.parametrize("where", ["annotations", "labels", LAST_APPLIED])
def test_long_texts(where: str) -> None:
    """A key or a value of a megabyte in a map is data like any other."""
    long = "k" * 1_000_000
    obj = pod(**{where: {long: long}}) if where != LAST_APPLIED else pod({LAST_APPLIED: long})

    assert judge(review("Pod", obj), ENABLED, Options()) is not None


def test_huge_numbers() -> None:
    """A number of a hundred thousand digits in a field that we skip is not even read."""
    body = recorded("pod_create_generateName.json")
    number = b"9" * 100_000

    for digits in (number, b"-" + number, b"1e" + number, b"0." + number):
        judge(body.removesuffix(b"}}") + b', "new": ' + digits + b"}}", ENABLED, Options())
        judge(body.removesuffix(b"}}") + b', "uid": ' + digits + b"}}", ENABLED, Options())
