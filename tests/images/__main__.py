"""Build all images, and show what they weigh: ``python -m tests.images``."""

import sys
import time

import click
from rich.console import Console
from rich.table import Table

from tests.controlplane.components import ComponentMissingError
from tests.images import building, names, prepare
from tests.images.preparing import build
from tests.images.programs import ProgramFailedError

console = Console()
start = time.monotonic()


def tell(what: str) -> None:
    """Print what is being done, and since when."""
    console.print(f"{time.monotonic() - start:6.1f} s  {what}", highlight=False)


def sizes() -> Table:
    """Make a table of the images: what each adds, and what it shares with those above it."""
    table = Table("image", "MB of its own", "MB in all")
    seen: set[str] = set()
    for image in names.ALL:
        layers = building.layers(image)
        own = sum(size for digest, size in layers.items() if digest not in seen)
        table.add_row(image, f"{own / 1e6:.0f}", f"{sum(layers.values()) / 1e6:.0f}")
        seen |= layers.keys()
    return table


@click.command()
@click.option("--without-go", is_flag=True, help="Only those that no binary built by Go goes into.")
def main(without_go: bool) -> None:
    """Build the images, and keep them where nodes take them from."""
    try:
        if without_go:
            build(names.WITHOUT_GO, tell)
            return
        tell(f"in {prepare(names.ALL, tell)}")
        console.print(sizes())
    except (ComponentMissingError, ProgramFailedError) as error:
        console.print(error, markup=False, highlight=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
