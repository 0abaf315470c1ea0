"""Standard input and output that fail, as shells make them."""

import pytest

from tests.unit.cli.running import DEPLOYMENT, shell


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("$P preview <&-", "Standard input is closed: name files with -f."),
        ("$P preview >&-", "Standard output is closed: send it somewhere."),
        (
            "$P preview -o yaml > /dev/full",
            "The output cannot be written: No space left on device.",
        ),
        ("$P preview > /dev/full", "The output cannot be written: No space left on device."),
        ("$P demo > /dev/full", "The output cannot be written: No space left on device."),
        (
            "PYTHONIOENCODING=ascii $P preview -o yaml",
            (
                "The output has '\\xe9', which ascii cannot express: set PYTHONIOENCODING=utf-8, "
                "and spell names in UTF-8."
            ),
        ),
    ],
)
def test_streams_that_fail_are_a_sentence(line: str, expected: str) -> None:
    """What the shell did to a stream is said in one line, with code 2 and no traceback."""
    done = shell(line, stdin=f"# caf\u00e9\n{DEPLOYMENT}")

    assert (done.returncode, done.stderr) == (2, f"Error: {expected}\n")


@pytest.mark.parametrize("command", ["preview", "preview -o yaml", "demo"])
def test_reader_that_goes_away_is_no_error(command: str) -> None:
    """A pipe into ``head`` that has seen enough ends quietly."""
    done = shell(f"{{ sleep 0.1; $P {command}; echo $? >&2; }} | true")

    assert done.stderr == "1\n"
