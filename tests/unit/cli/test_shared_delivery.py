"""Writing to a stream that may fail."""

import io
from pathlib import Path

import pytest

from webhook.cli.shared import DeliveryError, delivered


def test_text_arrives(tmp_path: Path) -> None:
    """What is written is there as soon as it is said to be."""
    with (tmp_path / "out").open("w") as stream:
        with delivered(stream) as target:
            target.write("text")
        assert (tmp_path / "out").read_text() == "text"


def test_full_disk() -> None:
    """A disk without space is a sentence, and nothing is left to fail again at exit."""
    with (
        Path("/dev/full").open("w") as stream,
        pytest.raises(DeliveryError) as raised,
        delivered(stream) as target,
    ):
        target.write("text")
    assert str(raised.value) == "The output cannot be written: No space left on device."


def test_stream_without_a_descriptor() -> None:
    """What fails without being a file of the system fails with the same sentence."""

    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(DeliveryError, match="No space left on device"), delivered(Full()):
        pass


def test_reader_that_went_away() -> None:
    """A broken pipe stays one, for click to end quietly."""

    class Pipe(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError), delivered(Pipe()):
        pass


def test_character_that_cannot_be_written() -> None:
    """A stream of another encoding is a sentence that names the character and the way out."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with pytest.raises(DeliveryError) as raised, delivered(stream) as target:
        target.write("caf\u00e9")
    assert str(raised.value) == (
        "The output has '\\xe9', which ascii cannot express: set PYTHONIOENCODING=utf-8, and spell "
        "names in UTF-8."
    )


def test_no_stream() -> None:
    """Closed standard output is a sentence."""
    with pytest.raises(DeliveryError, match="Standard output is closed"), delivered(None):
        pass
