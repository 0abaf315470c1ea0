"""Reading a proxy configuration: every spelling, and nothing that could hurt the reader."""

import subprocess
import sys

import pytest

from webhook.admission.proxy_config import LONGEST, InvalidError, UnreadError, mode_in


@pytest.mark.parametrize(
    ("written", "mode"),
    [
        ("", None),
        ("# nothing", None),
        ("{}", None),
        ("null", None),
        ("--- # one document\n...", None),
        ("concurrency: 2\nproxyMetadata: {a: {b: [c]}}", None),
        ("? [a]\n: b", None),
        ("interceptionMode: TPROXY", "TPROXY"),
        ("interceptionMode: 'REDIRECT'", "REDIRECT"),
        ("interception_mode: 2", "NONE"),
        ('{"a": [1, {"interceptionMode": "NONE"}], "interceptionMode": 1}', "TPROXY"),
        ("proxyMetadata:\n  interceptionMode: NONE\ninterceptionMode: 0", "REDIRECT"),
        ("interceptionMode: TPROXY\ninterception_mode: 1", "TPROXY"),
        ("interceptionMode: ~", None),
        ("interceptionMode:\nconcurrency: 1", None),
        ("interceptionMode: TPROXY\n---\nhello", "TPROXY"),
        ("proxyMetadata: &a {x: y}\nb: *a\ninterceptionMode: NONE", "NONE"),
        ("a: &a TPROXY\ninterceptionMode: *a", "TPROXY"),
        ("a: &a interceptionMode\n*a : NONE", "NONE"),
        ("<<: {interceptionMode: TPROXY}", "TPROXY"),
        ("a: &a {interceptionMode: 0}\n<<: *a", "REDIRECT"),
        ("a: &a {interceptionMode: 0}\nb: &b {x: y}\n<<: [*b, *a]", "REDIRECT"),
        ("a: &a {b: &b {interceptionMode: 0}, <<: *b}\n<<: *a", "REDIRECT"),
        ("a: &a {<<: *a, interceptionMode: 0}\n<<: *a", "REDIRECT"),
        ("a: &a {interceptionMode: NONE}\nb: *a", None),
        (f"interceptionMode: NONE\nx: {'y' * 9000}", "NONE"),
        ("interceptionMode: NONE" + "\n" * (LONGEST - 22), "NONE"),
        ("a: " + "[" * 14 + "]" * 14 + "\ninterceptionMode: NONE", "NONE"),
        ("a: [" + "b," * 4000 + "]\ninterceptionMode: NONE", "NONE"),
    ],
)
def test_mode_is_read(written: str, mode: str | None) -> None:
    """The field counts by either name, in either spelling, at the outermost level or merged."""
    assert mode_in(written) == mode


@pytest.mark.parametrize(
    "written",
    [
        "hello",
        "- interceptionMode: TPROXY",
        "interceptionMode: ''",
        "interceptionMode: tproxy",
        "interceptionMode: {}",
        "interceptionMode: [TPROXY]",
        "a: &a {interceptionMode: tproxy}\n<<: *a",
    ],
)
def test_what_istio_refuses_is_known(written: str) -> None:
    """What is no mapping, and a mode that there is not, Istio refuses."""
    with pytest.raises(InvalidError):
        mode_in(written)


@pytest.mark.parametrize(
    "written",
    [
        "interceptionMode: [",
        "interceptionMode: *nothing",
        "a: \x00",
        "interceptionMode: 0x1",
        "interceptionMode: 1.0",
        "interceptionMode: !!str 2026-13-45",
        "interceptionMode: TPROXY\ninterceptionMode: NONE",
        "interceptionMode: TPROXY\ninterception_mode: NONE",
        "a: &a {interceptionMode: TPROXY}\n<<: *a\ninterceptionMode: NONE",
        "interceptionMode: TPROXY" + "\n" * LONGEST,
        "a: " + "[" * 16 + "]" * 16,
        "a: [" + "b," * 5000 + "]",
    ],
)
def test_what_is_not_read_is_not_judged(written: str) -> None:
    """Of what is no YAML, too much, or read in two ways nobody says what Istio makes of it."""
    with pytest.raises(UnreadError):
        mode_in(written)


BRACKETS = "'interceptionMode: ' + '[' * 32000"
BOMB = """'a0: &a0 [x]\\n' + ''.join(
    f'a{n}: &a{n} [' + ', '.join([f'*a{n-1}'] * 9) + ']\\n' for n in range(1, 30)
) + 'interceptionMode: NONE'"""
MERGES = """'a0: &a0 {interceptionMode: NONE}\\n' + ''.join(
    f'a{n}: &a{n} {{<<: [' + ', '.join([f'*a{n-1}'] * 9) + ']}\\n' for n in range(1, 30)
) + '<<: *a29'"""


@pytest.mark.parametrize(
    ("attack", "outcome"),
    [(BRACKETS, "UnreadError"), (BOMB, "NONE"), (MERGES, "NONE")],
    ids=["nesting", "aliases", "merges"],
)
def test_attacks_end_at_once(attack: str, outcome: str) -> None:
    """Nesting that would crash a parser ends the reading, and an alias costs what a word costs.

    In a process of its own with little memory and time, since failing would take this one along.
    """
    program = (
        "import resource\n"
        "from webhook.admission.proxy_config import UnreadError, mode_in\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (10, 10))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        f"written = {attack}\n"
        "try:\n    print(mode_in(written))\n"
        "except UnreadError as error:\n    print(type(error).__name__)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, f"{outcome}\n")
