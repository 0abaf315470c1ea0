"""Build all images, and show what they weigh: ``python -m tests.images``."""

import time

from rich.console import Console

from tests.images import names, prepare

console = Console()
start = time.monotonic()


def tell(what: str) -> None:
    """Print what is being done, and since when."""
    console.print(f"{time.monotonic() - start:6.1f} s  {what}", highlight=False)


tell(f"in {prepare(names.ALL, tell)}")
