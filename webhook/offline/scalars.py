"""What an unquoted or tagged scalar of YAML means to kubectl: YAML 1.1, as its Go parser has it.

Source:
    go.yaml.in/yaml/v2 resolve.go, which sigs.k8s.io/yaml and with it kubectl read YAML with; and
    sigs.k8s.io/yaml yaml.go, convertToJSONableObject, for keys that are no text.
"""

import base64
import math
import re
import struct
from decimal import Decimal
from typing import Final

Scalar = str | int | float | bool | None

WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(
        ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True
    ),
    **dict.fromkeys(
        ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False
    ),
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], None),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
"""Words that are no text."""

NUMERIC: Final = frozenset("+-.0123456789")
"""Characters that a number begins with."""

_LONG: Final = "tag:yaml.org,2002:"
_INTEGER: Final = re.compile(
    r"[-+]?(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
_BASES: Final = {"x": 16, "b": 2, "o": 8, "d": 10}
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SIGNED_BINARY: Final = re.compile(r"0b[-+]?[01]+")
"""Signs may stand behind the prefix, because the digits behind it are parsed once more."""

_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d\d?-\d\d?(?:[Tt]\d\d?:\d\d?:\d\d?(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)"
    r"| \d\d?:\d\d?:\d\d?(?:\.\d+)?)?"
)
_INT64: Final = range(-(2**63), 2**63)
_UINT64: Final = range(2**63, 2**64)
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -4, 6
"""Exponents from and up to which a float is spelled without one."""

_LONGEST: Final = 400
"""Digits of an integer that a float has room for, and a few more."""

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "str": (),
    "binary": (),
    "timestamp": (),
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}
"""What text may mean to be what its tag says."""

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class ScalarError(ValueError):
    """The scalar is not what its tag says, or nothing that JSON has; the text says which."""


def plain(text: str) -> Scalar:
    """Tell what unquoted text without a tag means."""
    if text in WORDS:
        return WORDS[text]
    return _number(text) if text[0] in NUMERIC else text


def tagged(tag: str, text: str) -> Scalar:
    """Tell what text with a tag means, quoted or not; a tag that is not YAML's own means nothing.

    Args:
        tag: The tag, resolved: ``tag:yaml.org,2002:int`` for ``!!int``.
        text: The text.

    Raises:
        ScalarError: The text is nothing of that type.
    """
    name = tag.removeprefix(_LONG)
    if name == tag or name not in _TYPES:
        return text
    if name == "binary":
        return _binary(text)
    value = plain(text)
    if name == "str" or (name == "timestamp" and _TIMESTAMP.fullmatch(text)):
        return text
    if type(value) not in _TYPES[name]:
        raise ScalarError(f"`{text}` is no !!{name}")
    if name == "float" and isinstance(value, int) and value in _UINT64:
        raise ScalarError(f"`{text}` is too large for a !!float without a point")
    return float(value) if name == "float" and isinstance(value, int) else value


def as_key(value: Scalar) -> str:
    """Spell the key of a mapping that is no text as JSON has it.

    Raises:
        ScalarError: kubectl refuses such a key.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in _INT64:
        return str(value)
    if isinstance(value, float):
        return _short(value)
    raise ScalarError("a key is null, a list, a mapping, or a number of more than 64 bits")


def as_json(value: int | float) -> int | float:  # noqa: PYI041 - they are told apart
    """Turn a number into what is left of it once it was written as JSON, and read as an object.

    Go writes a float without a fraction as an integer, and reads an integer of more than 64 bits as
    a float.

    Raises:
        ScalarError: JSON has no such number.
    """
    if isinstance(value, int):
        return value if value in _INT64 else float(value)
    if not math.isfinite(value):
        raise ScalarError(f"{_short(value)} is nothing that JSON can carry")
    written = Decimal(repr(value))  # the fewest digits that mean it; zeros follow
    return int(written) if value.is_integer() and int(written) in _INT64 else value


def without_surrogates(text: str) -> str:
    """Put U+FFFD in the place of every half of a pair, and of every byte that is not UTF-8."""
    return _SURROGATES.sub("\ufffd", text)


def _number(text: str) -> Scalar:
    """Read a number, or text that only begins like one."""
    if text[0] == ".":
        return _float(text)
    digits = text.replace("_", "")
    if match := _INTEGER.fullmatch(digits):
        kind = str(match.lastgroup)
        if len(digits) < _LONGEST:
            value = int(match[kind], _BASES[kind])
            value = -value if digits[0] == "-" else value
            if value in _INT64 or (value in _UINT64 and digits[0] != "+"):
                return value
    elif _SIGNED_BINARY.fullmatch(digits.removeprefix("-")):
        value = int(digits.removeprefix("-").removeprefix("0b"), base=2)
        if value in _INT64 and digits[0] != "-":
            return value
    number = _float(digits)
    return text if isinstance(number, str) else number


def _float(text: str) -> float | str:
    """Read a float; what is too large for one is text."""
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text


def _binary(text: str) -> str:
    try:
        content = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except ValueError as error:
        raise ScalarError("a !!binary is no base64") from error
    return without_surrogates(content.decode(errors="surrogateescape"))


def _short(value: float) -> str:
    """Spell a float as Go's ``FormatFloat(value, 'g', -1, 32)``: the shortest of 32 bits."""
    if math.isnan(value):
        return ".nan"
    (single,) = struct.unpack("f", struct.pack("f", value))  # infinite if it is too large
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    spelled, precision = "", -1
    while not spelled or struct.pack("f", float(spelled)) != struct.pack("f", single):
        precision += 1  # up to 8, which every float of 32 bits is spelled by
        spelled = f"{single:.{precision}e}"
    exponent = int(spelled.partition("e")[2])
    if exponent < _SMALLEST_EXPONENT or exponent >= _LARGEST_EXPONENT:
        return spelled
    return f"{single:.{max(precision - exponent, 0)}f}"
