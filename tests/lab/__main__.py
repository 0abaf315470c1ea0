"""``python -m tests.lab``, which ``make lab`` runs: the guide, line by line, in a real mesh."""

import dataclasses
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console

from tests import images
from tests.cluster import Cluster, ClusterError, mesh, remains
from tests.controlplane import ComponentMissingError
from tests.images import building, names
from tests.images.programs import ProgramFailedError
from tests.lab import cases, picture, record, scene
from tests.lab.case import Case
from tests.lab.lab import Lab
from tests.lab.runner import Runner
from tests.lab.table import Progress

_TROUBLES = (
    ClusterError,
    ComponentMissingError,
    LookupError,
    TimeoutError,
    ProgramFailedError,
    subprocess.SubprocessError,
)
_GREEN, _RED, _COULD_NOT = 0, 1, 2
BUILD = Path(__file__).parents[2] / ".build"
_WIDTH_OF_A_PIPE = 140
_PLAN = """\
The guide in a real cluster: two nodes with kubelet, containerd and runc, istiod, sidecars and an
ingress gateway, our chart with our image, and a client outside. It takes about three minutes, and
longer where images have to be built first, which are then kept in .build/images.
Nothing is left when it ends, also by Ctrl-C. What is real and what is not: docs/lab.md.
"""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a user wants of a run.

    Attributes:
        json_file: Where to write it.
        svg: Where to draw it.
        with_chart: Whether our chart is installed.
    """

    json_file: Path | None
    svg: Path | None
    with_chart: bool


@click.command()
@click.option("--only", metavar="NAMES", default="", help="Cases, separated by commas.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the run there.")
@click.option("--without-chart", is_flag=True, help="Leave us out: the label then has no effect.")
@click.option("--unbuilt", is_flag=True, help="Say what has to be built first, and end.")
@click.option("--picture", "svg", type=click.Path(path_type=Path), help="Draw its picture there.")
def main(
    only: str, json_file: Path | None, svg: Path | None, *, without_chart: bool, unbuilt: bool
) -> None:
    """Run the guide in a real mesh, and say what applications see before and after the label.

    Exit code 0: all as expected; 1: something was not; 2: it could not be run.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_A_PIPE)
    # As Ctrl-C: what was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        wanted = Wanted(json_file, svg, with_chart=not without_chart)
        chosen = cases.chosen(tuple(filter(None, only.split(","))))
        if unbuilt:
            console.print(_unbuilt(), end="")
            return
        if svg and not {case.name for case in chosen} >= picture.NEEDS:
            raise click.UsageError(f"the picture needs the cases {', '.join(picture.NEEDS)}")
        console.print(_PLAN)
        if to_build := building.unbuilt(building.keys(names.ALL)):
            console.print(f"To be built: {', '.join(to_build)}. All of them take about 5 minutes.")
        code = _run(console, chosen, wanted)
    except _TROUBLES as error:
        console.print("\n".join((str(error), *getattr(error, "__notes__", ()))), style="bold red")
        code = _COULD_NOT
    except KeyboardInterrupt:
        console.print("Interrupted.")
        code = 128 + signal.SIGINT
    sys.exit(code)


def _run(console: Console, chosen: list[Case], wanted: Wanted) -> int:
    began = time.monotonic()
    seconds: dict[str, float] = {}
    before = remains.of_the_machine()
    with Progress(console) as progress, _folder() as folder:
        progress.say("images: building what is missing")
        images.prepare(names.ALL, progress.say)
        _clock(seconds, "images", began)
        started = time.monotonic()
        progress.say("cluster: starting")
        with Cluster(Path(folder, "cluster"), images=mesh.IMAGES, dual_stack=True) as cluster:
            _clock(seconds, "cluster", started)
            started = time.monotonic()
            lab = Lab(cluster)
            _install(lab, progress, with_chart=wanted.with_chart)
            _clock(seconds, "installation", started)
            progress.head()
            runner = Runner(lab, chosen, progress.row, progress.say)
            runner.run()
            places = {each.name: each.address for each in (*cluster.nodes, cluster.outside)}
        left = remains.since(before, folder)
    _clock(seconds, "all", began)
    found = runner.record(places, seconds)
    if wanted.json_file:
        record.write(found, wanted.json_file)
    if wanted.svg:
        wanted.svg.write_text(picture.draw(found))
    return _conclude(console, runner, left, seconds["all"])


def _unbuilt() -> str:
    """Say which programs have to be built, and how long that takes."""
    programs = ("controlplane", "istio", "coredns", "helm3")
    missing = [name for name in programs if not (BUILD / name).exists()]
    if not missing:
        return ""
    return f"To be built first, in about 20 minutes, once: {', '.join(missing)}.\n"


def _folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder on the file system of the images, so that nodes get them by hard links.

    Where that is the one of temporary files, there: the path of a socket may not be long.
    """
    BUILD.mkdir(exist_ok=True)
    usual = Path(tempfile.gettempdir())
    near = usual if usual.stat().st_dev == BUILD.stat().st_dev else BUILD
    return tempfile.TemporaryDirectory(prefix="lab-", dir=near)


def _install(lab: Lab, progress: Progress, *, with_chart: bool) -> None:
    """Install mesh and chart at the same time, then the guide's applications."""
    if with_chart:
        progress.say("istioctl install, helm upgrade --install: both at once")
        mesh.install(lab.cluster)
    else:
        progress.say("istioctl install, and nothing of ours")
        mesh.install_mesh(lab.cluster)
    progress.say("kubectl apply: the guide's sleep and httpbin, in the mesh and outside of it")
    scene.deploy(lab)


def _conclude(console: Console, runner: Runner, left: list[str], seconds: float) -> int:
    for name, words in runner.failures.items():
        console.print(f"\n{name} could not be finished:\n{words}", style="red")
    for title, lines in (
        ("Not as expected", runner.bad),
        ("Not looked at", runner.missing),
        ("Left behind", left),
    ):
        for line in lines:
            console.print(f"{title}: {line}", style="bold red")
    console.print(f"\n{len(runner.looks)} looks in {seconds:.0f} s", end="")
    if runner.bad or left:
        console.print(".")
        return _RED
    if runner.failures or runner.missing:
        console.print(".")
        return _COULD_NOT
    console.print(", all as expected, and nothing is left behind.", style="green")
    return _GREEN


def _clock(seconds: dict[str, float], what: str, since: float) -> None:
    seconds[what] = round(time.monotonic() - since, 1)


if __name__ == "__main__":
    main()
