"""How fast the webhook is, next to its peers: ``make bench`` and the other ``bench-`` targets.

One module for each part of a measurement: the reviews that are sent, the servers that answer them,
the load, what a process uses, and what is kept of a run.
"""

from pathlib import Path
from typing import Final

BUILD: Final = Path(__file__).parents[1] / ".build"
"""Where programs are built and results are kept."""


class BenchmarkError(Exception):
    """Nothing can be measured; the text says in one sentence why, and what to do."""
