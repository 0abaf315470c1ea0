"""``python -m benchmarks.cluster``, which ``make bench-cluster`` runs: what a user pays."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from benchmarks import BUILD, BenchmarkError, machine, results
from benchmarks.cluster import bars, run, table, turns, variants
from benchmarks.peers import commands
from tests import images
from tests.cluster import Cluster, ClusterError, remains
from tests.controlplane import ComponentMissingError
from tests.controlplane.api import ApiError
from tests.images import names
from tests.images.programs import ProgramFailedError
from tests.lab.table import Progress

_TROUBLES: Final = (
    ApiError,
    BenchmarkError,
    ClusterError,
    ComponentMissingError,
    ProgramFailedError,
    TimeoutError,
    subprocess.SubprocessError,
)
_IMAGES: Final = (names.WEBHOOK, names.PILOT, names.SLEEP)
"""Ours, istiod's, and one for the binary of the peer."""
_COULD_NOT: Final = 2
_WIDTH_OF_A_PIPE: Final = 140
_PLAN: Final = """\
Creations of Pods on a real cluster (API server, etcd, two nodes with kubelet and containerd), in
namespaces in which nothing is called, or our chart's webhook, or one that does the least it can, or
a controller-runtime webhook, or our policies, or Istio's injector, or that and ours. About six
minutes.
Nothing is left when it ends, also by Ctrl-C.
"""
_ABOUT: Final = {
    "cluster": "API server, etcd, controllers, scheduler, two nodes, webhooks and the client share "
    "the cores of this machine, as in a user's small cluster",
    "variants": "all are installed at once: our chart and the peers in two replicas each, istiod "
    "in one; the labels of the namespace decide who is called",
    "Pods": "stored, 9 KB as a review, of a scheduler that does not exist, deleted after each turn",
    "audit": "the API server writes whole Pods into its audit log, whatever is called",
}


@click.command()
@click.option(
    "--rounds", default=6, show_default=True, help="Turns of each.", type=click.IntRange(1, 50)
)
@click.option(
    "--seconds",
    default=2.0,
    show_default=True,
    help="Of creating with one client, and again with several, in each turn.",
    type=click.FloatRange(0.1, 60),
)
def main(rounds: int, seconds: float) -> None:
    """Measure what a webhook adds to the creation of a Pod.

    Exit code 0: it was measured; 1: something is left behind; 2: it could not be measured.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_A_PIPE)
    # As Ctrl-C: what was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        console.print(_PLAN)
        code = _run(console, run.Plan(variants.ALL, rounds, seconds))
    except _TROUBLES as error:
        console.print("\n".join((str(error), *getattr(error, "__notes__", ()))), style="bold red")
        code = _COULD_NOT
    except KeyboardInterrupt:
        console.print("Interrupted.")
        code = 128 + signal.SIGINT
    sys.exit(code)


def _run(console: Console, plan: run.Plan) -> int:
    began = time.monotonic()
    described = machine.describe()
    before = remains.of_the_machine()
    commands.require([commands.CONTROLLER_RUNTIME, commands.LEAST])
    with Progress(console) as progress, _folder() as folder:
        progress.say("images and programs: building what is missing")
        images.prepare(_IMAGES, progress.say)
        progress.say("cluster: starting")
        with Cluster(Path(folder, "cluster"), images=_IMAGES) as cluster:
            rounds = run.measure(cluster, plan, progress.say)
        left = remains.since(before, folder)
    rows = turns.rows(plan.variants, rounds)
    part = results.Part(
        "cluster", results.today(), described, round(time.monotonic() - began, 1), rows, _ABOUT
    )
    return _conclude(console, part, left)


def _conclude(console: Console, part: results.Part, left: Sequence[str]) -> int:
    path = results.save(part)
    console.print(table.show(part.rows, bars.judge(part.rows)))
    for line in left:
        console.print(f"Left behind: {line}", style="bold red")
    console.print(f"{part.seconds:.0f} s. Kept in {path}.")
    return 1 if left else 0


def _folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder on the file system of the images, so that nodes get them by hard links."""
    BUILD.mkdir(exist_ok=True)
    usual = Path(tempfile.gettempdir())
    near = usual if usual.stat().st_dev == BUILD.stat().st_dev else BUILD
    return tempfile.TemporaryDirectory(prefix="bench-", dir=near)


if __name__ == "__main__":
    main()
