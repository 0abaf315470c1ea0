"""Reading a proxy configuration: every spelling, and nothing that could hurt the reader."""

import subprocess
import sys

import pytest

from webhook.admission.proxy_config import UnreadableError, modes_in


@pytest.mark.parametrize(
    ("written", "modes"),
    [
        ("", set()),
        ("# nothing", set()),
        ("{}", set()),
        ("null", set()),
        ("concurrency: 2\nproxyMetadata: {a: {b: [c]}}", set()),
        ("interceptionMode: TPROXY", {"TPROXY"}),
        ("interceptionMode: 'REDIRECT'", {"REDIRECT"}),
        ("interception_mode: 2", {"NONE"}),
        ('{"a": [1, {"interceptionMode": "NONE"}], "interceptionMode": 1}', {"TPROXY"}),
        ("proxyMetadata:\n  interceptionMode: NONE\ninterceptionMode: 0", {"REDIRECT"}),
        ("interceptionMode: TPROXY\ninterception_mode: NONE", {"TPROXY", "NONE"}),
        ("interceptionMode: ~", set()),
        ("interceptionMode:\nconcurrency: 1", set()),
    ],
)
def test_modes_are_read(written: str, modes: set[str]) -> None:
    """The field counts by either name and in either spelling, and at the outermost level only."""
    assert modes_in(written) == modes


@pytest.mark.parametrize(
    "written",
    [
        "hello",
        "- interceptionMode: TPROXY",
        "interceptionMode: ''",
        "interceptionMode: tproxy",
        "interceptionMode: {}",
        "interceptionMode: [TPROXY]",
        "interceptionMode: [",
        "a: &a TPROXY\ninterceptionMode: *a",
        "<<: {interceptionMode: TPROXY}",
        "? [a]\n: b",
        "a: \x00",
        "interceptionMode: TPROXY\n---\nhello",
        "interceptionMode: TPROXY" + " " * 10_000,
        "a: " + "[" * 17 + "]" * 17,
    ],
)
def test_anything_else_is_unreadable(written: str) -> None:
    """What Istio would refuse, and what no configuration needs, is not interpreted."""
    with pytest.raises(UnreadableError):
        modes_in(written)


BRACKETS = "'interceptionMode: ' + '[' * 8000"
MERGES = "'a0: &a0 {x: 1}\\n' + ''.join(f'a{n}: &a{n} {{<<: [' + ', '.join([f'*a{n-1}'] * 9) + ']}\\n' for n in range(1, 30))"  # noqa: E501
ALIASES = "'a0: &a0 [x]\\n' + ''.join(f'a{n}: &a{n} [' + ', '.join([f'*a{n-1}'] * 9) + ']\\n' for n in range(1, 30))"  # noqa: E501


@pytest.mark.parametrize(
    "attack", [BRACKETS, MERGES, ALIASES], ids=["nesting", "merges", "aliases"]
)
def test_attacks_end_at_once(attack: str) -> None:
    """Nesting that would crash a parser and aliases that would fill memory are not followed.

    In a process of its own with little memory and time, since failing would take this one along.
    """
    program = (
        "import resource\n"
        "from webhook.admission.proxy_config import UnreadableError, modes_in\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (10, 10))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        f"written = ({attack})[:8192]\n"
        "try:\n    modes_in(written)\nexcept UnreadableError:\n    print('unreadable')"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "unreadable\n")
