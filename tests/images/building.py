"""Building images by buildah, each once for the same contents."""

import ast
import contextlib
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tests.controlplane import JsonObject
from tests.images.places import FOLDER
from tests.images.programs import in_own_mounts, require, run
from tests.images.recipes import Recipe, recipes

_STORAGE: Final = FOLDER / "storage"
_FOR_THE_MACHINE: Final = Path("/var/lib/containers")
_BUILT: Final = FOLDER / "built"
"""A file for each image, with the key of what its name stands for in the storage."""


def keys(images: Collection[str]) -> dict[str, str]:
    """Return what stands for the contents of images, by their names, and of those they build on.

    Raises:
        ComponentMissingError: A binary that goes into one has not been built.
    """
    known = recipes()
    wanted = _with_bases(known, images)
    found: dict[str, str] = {}
    for image, recipe in known.items():
        if image in wanted:
            parts = [recipe.contents(), *(found[base] for base in recipe.bases)]
            found[image] = hashlib.sha256("\n".join([image, *parts]).encode()).hexdigest()
    return found


def build(keyed: dict[str, str], progress: Callable[[str], object]) -> None:
    """Build the images that were not built before.

    Args:
        keyed: What `keys` returned.
        progress: Told what is being done.

    Raises:
        ProgramMissingError: buildah or debootstrap is not there.
        ProgramFailedError: A build failed.
    """
    for image in unbuilt(keyed):
        require("buildah", "unshare")
        progress(f"building {image}")
        before = _identity(image)
        _build(image, recipes()[image])
        if before not in {"", _identity(image)}:
            buildah("rmi", before)  # or every change of the code would leave its image behind
        _BUILT.mkdir(parents=True, exist_ok=True)
        _record(image).write_text(keyed[image])


def unbuilt(keyed: dict[str, str]) -> list[str]:
    """Return which images were not built yet from what `keys` says they are built from."""
    return [
        image
        for image, key in keyed.items()
        if not _record(image).exists() or _record(image).read_text() != key
    ]


def _record(image: str) -> Path:
    return _BUILT / quote(image, safe="")


def export(image: str, folder: Path) -> None:
    """Write an image to a folder that is not there yet: ``manifest.json``, and what it names.

    Not in OCI's own layout, for which buildah compresses every layer.
    """
    buildah("push", "--quiet", "--disable-compression", "--format=oci", image, f"dir:{folder}")


def describe(image: str) -> JsonObject:
    """Return what buildah tells of an image; its configuration is under ``OCIv1``."""
    described: JsonObject = json.loads(buildah("inspect", "--type=image", image))
    return described


def layers(image: str) -> dict[str, int]:
    """Return the bytes of each layer of an image, by its digest."""
    manifest = json.loads(describe(image)["Manifest"])
    return {layer["digest"]: layer["size"] for layer in manifest["layers"]}


def buildah(command: str, *arguments: str | Path) -> str:
    """Run buildah on the storage of this repository, and return what it printed.

    Raises:
        ProgramFailedError: It failed.
    """
    storage = ("--root", _STORAGE / "root", "--runroot", _STORAGE / "run")
    # Where it would keep a cache for the whole machine, it finds a folder in memory.
    without_cache = 'mkdir -p "$0" && mount -t tmpfs tmpfs "$0" && exec "$@"'
    was_there = _FOR_THE_MACHINE.exists()
    try:
        return run(
            in_own_mounts(
                *("sh", "-ec", without_cache, _FOR_THE_MACHINE),
                *("buildah", *storage, "--storage-driver=overlay", command, *arguments),
            ),
            {"BUILDAH_ISOLATION": "chroot", "TMPDIR": str(_temporary())},
        )
    finally:
        if not was_there:
            with contextlib.suppress(OSError):
                _FOR_THE_MACHINE.rmdir()


def _identity(image: str) -> str:
    """Return the ID that a name stands for; nothing for one that stands for none."""
    listed = json.loads(buildah("images", "--json", f"--filter=reference={image}"))
    return next((found["id"] for found in listed if image in found["names"]), "")


def _build(image: str, recipe: Recipe) -> None:
    with tempfile.TemporaryDirectory(dir=_temporary()) as folder:
        settings = Path(folder, "pip.conf")
        settings.write_text(_pip_settings())
        context = recipe.context or Path(folder, "context")
        if recipe.context is None:
            context.mkdir()
            recipe.fill(context)
        arguments = [f"--build-arg={name}={value}" for name, value in recipe.arguments.items()]
        buildah(
            *("bud", "--layers", "--pull-never", "--quiet", *arguments),
            *(f"--volume={path}:{place}:ro" for place, path in _from_machine(settings).items()),
            *("--file", recipe.containerfile, "--tag", image, context),
        )


def _with_bases(known: dict[str, Recipe], images: Collection[str]) -> set[str]:
    found = set(images)
    for image in images:
        found |= _with_bases(known, known[image].bases)
    return found


def _temporary() -> Path:
    folder = FOLDER / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _from_machine(pip_settings: Path) -> dict[str, Path]:
    """Return what a build sees of the machine, by its place: how to reach a registry."""
    certificates = [Path(value) for value in _pip_values("cert")]
    return {"/etc/pip.conf": pip_settings, **{str(path): path for path in certificates}}


def _pip_settings() -> str:
    """Return this machine's settings of pip, from its files and its variables, as one file."""
    sections: dict[str, list[str]] = {}
    for section, key, value in _pip_configuration():
        sections.setdefault(section, [f"[{section}]"]).append(f"{key} = {value}")
    return "\n".join(line for lines in sections.values() for line in lines)


def _pip_values(wanted: str) -> list[str]:
    return [value for _, key, value in _pip_configuration() if key == wanted]


def _pip_configuration() -> list[tuple[str, str, str]]:
    listed = run([sys.executable, "-m", "pip", "config", "list"])
    found: dict[tuple[str, str], str] = {}
    for line in listed.splitlines():
        name, _, said = line.partition("=")
        section, _, key = name.rpartition(".")
        found["global" if section == ":env:" else section, key] = str(ast.literal_eval(said))
    return [(section, key, value) for (section, key), value in found.items()]
