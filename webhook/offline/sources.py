"""Where manifests come from: files, folders, standard input, and the guide.

A folder stands for the files in it that kubectl would read. What another tool makes manifests of,
a Helm chart or a kustomization, is left out with a sentence that says how to render it.
"""

import importlib.resources
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from webhook.manifests.documents import ManifestError
from webhook.manifests.objects import SILENT, File, Progress, decode

STDIN: Final = "-"
"""The name of standard input among files, as kubectl has it."""
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
"""What kubectl reads of a folder."""
_KUSTOMIZATIONS: Final = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
"""Files by which kustomize makes manifests of a folder.

Source:
    sigs.k8s.io/kustomize api/konfig/general.go.
"""
_CHART: Final = "Chart.yaml"
"""What makes a folder a chart."""
_OF_CHARTS: Final = frozenset({_CHART, "values.yaml", "values.yml", "values.schema.json"})
"""What Helm reads of a chart that is no template."""
_URL: Final = re.compile(r"https?://", re.IGNORECASE)
"""What kubectl fetches, and we do not."""


def read(
    names: Sequence[str | Path],
    stdin: BinaryIO | None = None,
    *,
    recursive: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    progress: Progress = SILENT,
) -> list[File]:
    """Read manifests.

    Args:
        names: Files, folders (their ``.yaml``, ``.yml`` and ``.json``) and ``-`` for standard
            input, which an empty sequence means too.
        stdin: What to read instead of the process's standard input.
        recursive: Whether folders in folders are read too.
        tell: Is given a sentence for each file that is left out.
        progress: Is told how far the reading is.

    Raises:
        ManifestError: A file cannot be read, or holds something else than manifests.
    """
    files = []
    for name in names or [STDIN]:
        if str(name) == STDIN:
            source = stdin or _standard_input()
            if not names and source.isatty():
                raise ManifestError("There are no manifests: name files with -f, or pipe them in.")
            files.append(decode("stdin", _content("stdin", source.read), progress))
        else:
            files += [
                decode(str(path), _content(path, path.read_bytes), progress)
                for path in find(name, recursive=recursive, tell=tell)
            ]
    if not files:
        raise ManifestError("There are no manifests: nothing is left of what was named.")
    return files


def guide() -> list[File]:
    """Read the manifests of the guide that this product automates, which the package carries."""
    folder = importlib.resources.files("webhook.offline") / "guide"
    names = ("sleep.yaml", "httpbin.yaml", "istio-ingressgateway.yaml")
    return [decode(name, (folder / name).read_bytes()) for name in names]


def find(
    name: str | Path, *, recursive: bool = False, tell: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """List the files that a name stands for, as kubectl does.

    Args:
        name: A file, or a folder, whose ``.yaml``, ``.yml`` and ``.json`` are meant.
        recursive: Whether the folders in a folder are meant too; links to folders never are.
        tell: Is given a sentence for each file and folder that is left out because another tool
            makes manifests of it.

    Raises:
        ManifestError: The name is an address, a chart, a folder with nothing to read, or a folder
            that cannot be listed.

    Source:
        k8s.io/cli-runtime pkg/resource/visitor.go, ExpandPathsToFileVisitors.
    """
    if _URL.match(str(name)):
        raise ManifestError(
            f"{name} is an address, and nothing is fetched here: fetch it first, with "
            f"`curl -fsSL {name} | source-ip-webhook preview`."
        )
    path = Path(name)
    try:
        if not path.is_dir():
            return [] if _is_left_out(path, tell) else [path]
        if _is_chart(path):
            raise ManifestError(f"{path} is a Helm chart: {_how_to_render(path)}.")
        found = list(_walk(path, recursive=recursive, tell=tell))
        if not found:
            raise ManifestError(_nothing(path, recursive=recursive))
    except OSError as error:
        where = error.filename or path
        raise ManifestError(f"{where} cannot be read: {error.strerror}.") from error
    return found


def _standard_input() -> BinaryIO:
    """Find the process's standard input; Python has none where the shell has closed it."""
    if sys.stdin is None:
        raise ManifestError("Standard input is closed: name files with -f.")
    return sys.stdin.buffer


def _content(name: str | Path, read: Callable[[], bytes]) -> bytes:
    """Read a file, whose name an error tells."""
    try:
        return read()
    except OSError as error:
        raise ManifestError(f"{name}: the file cannot be read: {error.strerror}.") from error


def _walk(folder: Path, *, recursive: bool, tell: Callable[[str], None]) -> Iterator[Path]:
    """List the files of a folder in the order of their names, and of those in it likewise."""
    for child in sorted(folder.iterdir()):
        if child.is_dir():
            if not recursive or child.is_symlink():
                continue
            if _is_chart(child):
                tell(f"{child} was left out, for it is a Helm chart: {_how_to_render(child)}.")
            else:
                yield from _walk(child, recursive=recursive, tell=tell)
        elif not _is_left_out(child, tell) and child.suffix in _SUFFIXES:
            yield child


def _is_chart(folder: Path) -> bool:
    return (folder / _CHART).is_file()


def _is_left_out(path: Path, tell: Callable[[str], None]) -> bool:
    """Tell whether another tool makes manifests of a file; if so, say that it is left out."""
    if path.name in _KUSTOMIZATIONS:
        tell(
            f"{path} was left out, for what kustomize changes is not seen here: build it first, "
            f"with `kubectl kustomize {path.parent} | source-ip-webhook preview`."
        )
    elif path.name in _OF_CHARTS:
        tell(f"{path} was left out, for it belongs to a Helm chart: {_how_to_render(path.parent)}.")
    else:
        return False
    return True


def _how_to_render(chart: Path) -> str:
    """Say how manifests are made of a chart, as the end of a sentence."""
    return f"render it first, with `helm template {chart} | source-ip-webhook preview`"


def _nothing(folder: Path, *, recursive: bool) -> str:
    """Say that there is nothing to read, and where there may be something."""
    deeper = not recursive and any(child.is_dir() for child in folder.iterdir())
    hint = "; -R reads the folders in it too" if deeper else ""
    return f"{folder}: this folder holds no .yaml, .yml or .json file with manifests{hint}."
