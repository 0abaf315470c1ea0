"""``python -m tests.cluster``: a cluster by hand, until Ctrl-C."""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console

from tests.cluster import mesh
from tests.cluster.cluster import Cluster, ClusterError
from tests.controlplane import components
from tests.controlplane.components import ComponentMissingError
from tests.images import names, prepare
from tests.images.programs import ProgramFailedError

_TROUBLES = (ClusterError, ComponentMissingError, ProgramFailedError, subprocess.SubprocessError)
_TICK_SECONDS = 0.2
_HOW = """\
The cluster is ready after {seconds:.0f} s. In another terminal:

    export KUBECONFIG={kubeconfig}
    alias kubectl="{kubectl}"
    kubectl get pods -A -o wide

The client outside, {address}:  {outside} curl ...
Logs of every program:  {folder}
Ctrl-C ends it, and nothing of it is left."""


@click.command()
@click.argument("images", nargs=-1, type=click.Choice(names.ALL))
@click.option("--mesh", "with_mesh", is_flag=True, help="Install Istio and our chart in it.")
def main(images: tuple[str, ...], *, with_mesh: bool) -> None:
    """Run a cluster of two nodes that has IMAGES, and say how to reach it."""
    wanted = (*images, *(mesh.IMAGES if with_mesh else ()))
    console = Console(soft_wrap=True)
    # As Ctrl-C: what was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as folder:
        try:
            described = Cluster(Path(folder) / "cluster", images=wanted)
            prepare({*wanted, names.PAUSE, names.COREDNS}, console.print)
            began = time.monotonic()
            with described as cluster:
                if with_mesh:
                    mesh.install(cluster)
                _tell(console, cluster, time.monotonic() - began)
                _stay(cluster)
        except _TROUBLES as error:
            words = (str(error), *getattr(error, "__notes__", ()))
            console.print("\n".join(words), markup=False, highlight=False)
            sys.exit(2)


def _stay(cluster: Cluster) -> None:
    while cluster.is_running():
        time.sleep(_TICK_SECONDS)  # signal.pause would miss a signal that comes just before it
    raise ClusterError("The cluster has ended by itself.")


def _tell(console: Console, cluster: Cluster, seconds: float) -> None:
    how = _HOW.format(
        seconds=seconds,
        kubeconfig=cluster.kubeconfig,
        kubectl=" ".join(components.find("kubectl").command),
        address=cluster.outside.address,
        outside=" ".join(cluster.outside.command()),
        folder=cluster.folder,
    )
    console.print(how, markup=False, highlight=False)


if __name__ == "__main__":
    main()
