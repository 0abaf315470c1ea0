"""The table on the terminal."""

import io

import pytest
from rich.console import Console

from tests.lab.east_west import EastWest
from tests.lab.record import Look
from tests.lab.table import Progress


@pytest.mark.parametrize("width", [100, 160])
@pytest.mark.parametrize(
    ("look", "verdict"),
    [
        (Look("Pod sleep", "10.244.1.4:46129", "Pod sleep"), "ok"),
        (Look("Pod sleep", "127.0.0.6:42169", "its own sidecar"), "WRONG"),
    ],
)
def test_row_shows_all_of_a_look(width: int, look: Look, verdict: str) -> None:
    """A row fits the terminal, and says what was seen and whether that is right."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False)
    case = EastWest()
    with Progress(console) as progress:
        progress.row(case, case.checks[0], "after", look)
    shown = stream.getvalue()

    assert max(map(len, shown.splitlines())) <= width
    squeezed = "".join(shown.split())
    assert verdict in squeezed
    for part in (look.seen, case.checks[0].key):
        assert "".join(part.split()) in squeezed
