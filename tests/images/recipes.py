"""What each image is made of."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.controlplane.components import ComponentMissingError, missing
from tests.images import debian, names
from tests.images.places import REPOSITORY

_HERE: Final = Path(__file__).parent
_BUILT: Final = REPOSITORY / ".build"
_REQUIREMENTS: Final = REPOSITORY / "requirements"


@dataclass(frozen=True)
class Recipe:
    """How to build one image.

    Attributes:
        containerfile: What buildah follows.
        bases: The images of ours that it builds on.
        files: What the build may copy, by the place in its context.
        made: What is made for it when it is built, by the place in its context: a function that
            writes a file.
        inputs: The files that decide what `made` makes.
        context: A folder to build in as it stands, instead of one with `files` and `made`.
        arguments: Build arguments.
    """

    containerfile: Path
    bases: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    made: Mapping[str, Callable[[Path], object]] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()
    context: Path | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)

    def contents(self) -> str:
        """Return a hash of all that the image is made from, but for its bases.

        Raises:
            ComponentMissingError: A binary has not been built.
        """
        digest = hashlib.sha256()
        for path in (self.containerfile, *self.files.values(), *self.inputs):
            if not path.exists() and path.parent == _BUILT:
                raise missing(path.name, path)
            for file in _files(path):
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_mode:o}\0".encode())
                with file.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        digest.update(repr(sorted(self.arguments.items())).encode())
        return digest.hexdigest()

    def fill(self, context: Path) -> None:
        """Put what the build may copy into a folder."""
        for place, source in self.files.items():
            shutil.copyfile(source, context / place)
            shutil.copymode(source, context / place)
        for place, make in self.made.items():
            make(context / place)


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or the files of a folder without byte code, in an order that stays."""
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file


def _own(image: str, *bases: str, **what: object) -> Recipe:
    return Recipe(_HERE / image / "Containerfile", bases, **what)  # type: ignore[arg-type]


def _webhook() -> Recipe:
    ignored = REPOSITORY / ".dockerignore"
    copied = [line[1:] for line in ignored.read_text().splitlines() if line.startswith("!")]
    return Recipe(
        REPOSITORY / "Dockerfile",
        (names.PYTHON,),
        inputs=(ignored, *(REPOSITORY / name for name in copied)),
        context=REPOSITORY,
        arguments={"PYTHON": names.PYTHON},
    )


def _write_bootstrap(target: Path) -> None:
    """Write the template of Envoy's bootstrap, from the module of Istio that we build."""
    if shutil.which("go") is None:
        raise ComponentMissingError("The proxy's image needs Go: install it (https://go.dev/dl).")
    command = ["go", "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"]
    folder = subprocess.run(  # noqa: S603
        command, cwd=REPOSITORY / "tests" / "istio", check=True, capture_output=True, text=True
    ).stdout.strip()
    template = Path(folder, "tools", "packaging", "common", "envoy_bootstrap.json")
    target.write_bytes(template.read_bytes())


def recipes() -> dict[str, Recipe]:
    """Return the recipes by the names of their images; an image comes after those it builds on."""
    return {
        names.PYTHON: _own("base", made={"base.tar": debian.write_root}, inputs=(debian.BUILD,)),
        names.TOOLS: _own("tools", names.PYTHON),
        names.MESH: _own("mesh", names.TOOLS, files={"istio": _BUILT / "istio"}),
        names.PAUSE: _own("pause", names.PYTHON),
        names.COREDNS: _own("coredns", files={"coredns": _BUILT / "coredns"}),
        names.WEBHOOK: _webhook(),
        names.PILOT: _own("pilot", names.MESH),
        names.PROXY: _own(
            "proxy",
            *(names.MESH, names.PYTHON),
            files={"envoy.txt": _REQUIREMENTS / "envoy.txt"},
            made={"envoy_bootstrap.json": _write_bootstrap},
            inputs=(REPOSITORY / "tests" / "istio" / "go.mod",),
        ),
        names.HTTPBIN: _own(
            "httpbin",
            *(names.TOOLS, names.PYTHON),
            files={"httpbin.txt": _REQUIREMENTS / "httpbin.txt"},
        ),
        names.SLEEP: _own("client", names.TOOLS),
    }
