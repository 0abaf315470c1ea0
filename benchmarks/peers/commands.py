"""How each peer is started, and which release of it."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from benchmarks import BUILD, BenchmarkError, interpreter
from tests import programs
from tests.controlplane.ports import LOOPBACK

CONTROLLER_RUNTIME: Final = "controller-runtime"
USUAL_PYTHON: Final = "usual-python"
KOPF: Final = "kopf"
NGINX: Final = "nginx"
CONTROLLER_RUNTIME_BINARY: Final = BUILD / "controller-runtime"
"""What ``benchmarks/peers/controller_runtime`` is built into; ``make bench`` does it."""
LEAST: Final = "least"
LEAST_BINARY: Final = BUILD / "least"
"""What ``benchmarks/peers/least`` is built into; ``make bench-cluster`` does it."""
_HERE: Final = Path(__file__).parent
_RELEASE: Final = re.compile(r"\d+\.\d[\w.+-]*")
_TIMEOUT: Final = 30.0


def require(names: Iterable[str]) -> None:
    """See that all is there that servers or programs need.

    Args:
        names: Of peers, or of programs that Debian has; what needs nothing is passed over.

    Raises:
        BenchmarkError: Something is missing; says all of it, and how to get it.
    """
    wanted = set(names)
    lines: list[str] = []
    if packages := programs.missing_packages(wanted & {NGINX, "wrk"}):
        lines.append(f"Not installed: {programs.to_install(packages)}")
    built = {CONTROLLER_RUNTIME: CONTROLLER_RUNTIME_BINARY, LEAST: LEAST_BINARY}
    paths = [
        str(binary.relative_to(BUILD.parent))
        for name, binary in built.items()
        if name in wanted and not os.access(binary, os.X_OK)
    ]
    if paths:
        targets = " ".join(paths)
        lines.append(f"Not built, for which Go is needed (https://go.dev/dl): make {targets}")
    if KOPF in wanted and importlib.util.find_spec(KOPF) is None:
        lines.append("Not installed: .venv/bin/pip install -r requirements/bench.txt")
    if lines:
        raise BenchmarkError("\n".join(lines))


def _controller_runtime(folder: Path, port: int) -> list[str]:
    return [str(CONTROLLER_RUNTIME_BINARY), "-host", LOOPBACK, *_listening(folder, port)]


def _usual_python(folder: Path, port: int) -> list[str]:
    return [
        interpreter.measured().path,
        "-m",
        "benchmarks.peers.usual_python",
        *_listening(folder, port),
    ]


def _kopf(folder: Path, port: int) -> list[str]:
    return [interpreter.measured().path, "-m", "benchmarks.peers.kopf", *_listening(folder, port)]


def _listening(folder: Path, port: int) -> tuple[str, ...]:
    return "--port", str(port), "--tls", str(folder / "tls")


def _nginx(folder: Path, port: int) -> list[str]:
    template = (_HERE / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    configuration = folder / "nginx.conf"
    configuration.write_text(template.replace("PORT", str(port)).replace("FOLDER", str(folder)))
    program = programs.find("nginx") or "nginx"
    return [program, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]


PEERS: Final[dict[str, Callable[[Path, int], list[str]]]] = {
    CONTROLLER_RUNTIME: _controller_runtime,
    USUAL_PYTHON: _usual_python,
    KOPF: _kopf,
    NGINX: _nginx,
}
"""By the name of a peer: what makes its command line, from the folder of its files and a port."""


def versions() -> dict[str, str]:
    """Name the releases of the peers, and of what they and the load are made of.

    What does not say its release is ``unknown``.
    """
    module = (_HERE / "controller_runtime" / "go.mod").read_text(encoding="utf-8")
    packages = ("kopf", "aiohttp", "fastapi", "jsonpatch", "uvicorn", "uvloop")
    return {
        CONTROLLER_RUNTIME: _release(module.partition("sigs.k8s.io/controller-runtime v")[2]),
        "Go": _release(
            _said("go", "version", str(CONTROLLER_RUNTIME_BINARY)).rpartition(": go")[2]
        ),
        "Python": interpreter.measured().release,
        **{package: _release_of(package) for package in packages},
        NGINX: _release(_said("nginx", "-v")),
        "wrk": _release(_said("wrk", "-v")),
    }


def _said(program: str, *arguments: str) -> str:
    """Return what a program writes; empty where there is no such program."""
    path = programs.find(program)
    if path is None:
        return ""
    done = subprocess.run(  # noqa: S603  found by its name, no shell
        [path, *arguments], capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    return done.stdout + done.stderr


def _release(text: str) -> str:
    found = _RELEASE.search(text)
    return found[0] if found else "unknown"


def _release_of(package: str) -> str:
    """Return the release of a Python package; those of some peers need not be installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
