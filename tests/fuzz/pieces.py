"""What mutations are made of: values, broken bytes, and parts of good reviews."""

from typing import Any, Final

import msgspec

from tests.fuzz.seeds import NAMESPACES, REVIEWS
from tests.property.vocabulary import ANNOTATIONS, DOCUMENTS, LABELS, WORDS


def _written(*values: Any) -> tuple[bytes, ...]:
    """Write values, so that each use reads a copy of its own."""
    return tuple(msgspec.json.encode(value) for value in values)


KEYS: Final = (*ANNOTATIONS, *LABELS)
TEXTS: Final = (*WORDS, *DOCUMENTS)
NAMES: Final = (*NAMESPACES, "", "kube-system", "../x", "no-such", "x" * 300)
KINDS: Final = ("Pod", "Service", "Deployment", "", "pod")
OPERATIONS: Final = ("CREATE", "UPDATE", "DELETE", "CONNECT", "", "create")
VALUES: Final = _written(
    *(None, True, False, 0, -1, 7, 2**53, 2**63, -(2**64), 1.5, 1e300, "", [], {}, [[]]),
    *([None], {"": {}}, {"a": None}, "\x00", "\u2028", "\U0001f600", "~0~1/", "x" * 1000),
    *("Pod", "Service", "LoadBalancer", "NodePort", "Cluster", "Local", "Apply", "None"),
)
TOKENS: Final = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"\\udc00", b"null"),
    *(b"NaN", b"Infinity", b"-", b"1e999", b"0" * 20, b"\x00", b"\xff", b"\xed\xa0\x80", b"\n"),
    *(b"\xef\xbb\xbf", b'"":', b"[[[[[[[[", b'{"":{"":', b"true", b"/*", b"//", b"'", b"\xc0\x80"),
)
DEPTHS: Final = (100, 990, 1_000, 10_000, 60_000)
LONG: Final = 60_000


def _parts(value: Any) -> list[Any]:
    """List every part of a document that has parts itself."""
    members = list(value.values() if isinstance(value, dict) else value)
    parts = [member for member in members if isinstance(member, dict | list)]
    return parts + [inner for part in parts for inner in _parts(part)]


_FOUND: Final = [part for body in REVIEWS for part in _parts(msgspec.json.decode(body))]
PARTS: Final = _written(*_FOUND)
"""Parts of good reviews, to turn up in the wrong place."""

NEW_FIELDS: Final = tuple(
    sorted({key for part in _FOUND if isinstance(part, dict) for key in part})
)
