"""The opt-in contract: what each value of the label asks for."""

import pytest

from webhook.admission.options import DEFAULT_LABEL_KEY
from webhook.labels import Half, Mode, is_label_key, mistyped, mode_of, opted_out

KEY = DEFAULT_LABEL_KEY


@pytest.mark.parametrize(
    ("value", "halves"),
    [
        ("enabled", {Half.EAST_WEST, Half.NORTH_SOUTH}),
        ("east-west", {Half.EAST_WEST}),
        ("north-south", {Half.NORTH_SOUTH}),
        ("disabled", set()),
        ("ENABLED", set()),
        ("", set()),
    ],
)
def test_value_asks_for_halves(value: str, halves: set[Half]) -> None:
    """Each of the four values asks for its halves, and any other value for nothing."""
    mode = mode_of({KEY: value}, KEY)

    assert halves == {half for half in Half if mode.includes(half)}


@pytest.mark.parametrize(
    ("labels", "value"),
    [({}, None), ({KEY: "disabled"}, None), ({KEY: "enable"}, "enable"), ({KEY: ""}, "")],
)
def test_mistyped_value_is_found(labels: dict[str, str], value: str | None) -> None:
    """Whatever is none of the four values is a mistake, and no label is none."""
    assert mistyped(labels, KEY) == value


def test_absent_label_asks_for_nothing() -> None:
    """A namespace without the label is not touched."""
    assert mode_of({}, KEY) is Mode.DISABLED


@pytest.mark.parametrize(
    ("labels", "expected"),
    [({KEY: "disabled"}, True), ({KEY: "enabled"}, False), ({}, False), ({KEY: ""}, False)],
)
def test_only_disabled_opts_an_object_out(labels: dict[str, str], *, expected: bool) -> None:
    """An object is left alone when its label says ``disabled``, and only then."""
    assert opted_out(labels, KEY) is expected


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        (KEY, True),
        ("example.org/keep_Source.IP", True),
        ("a", True),
        ("x" * 63, True),
        ("x" * 64, False),
        ("", False),
        ("/a", False),
        ("a/", False),
        ("a/b/c", False),
        ("-a", False),
        ("a-", False),
        ("UPPER.org/a", False),
        ("a" * 250 + ".org/a", False),
        ("white space", False),
    ],
)
def test_label_keys_are_those_of_kubernetes(key: str, *, valid: bool) -> None:
    """A key is taken exactly if the API server would take it."""
    assert is_label_key(key) is valid
