"""Where manifests come from: files, folders, standard input, and the guide."""

import importlib.resources
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from webhook.offline.documents import ManifestError
from webhook.offline.manifests import File, file

STDIN: Final = "-"
"""The name of standard input among files, as kubectl has it."""

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""What kubectl reads of a folder."""


def read(names: Sequence[str | Path], stdin: BinaryIO | None = None) -> list[File]:
    """Read manifests.

    Args:
        names: Files, folders (their ``.yaml``, ``.yml`` and ``.json``) and ``-`` for standard
            input, which an empty sequence means too.
        stdin: What to read instead of the process's standard input.

    Raises:
        ManifestError: A file cannot be read, or holds something else than manifests.
    """
    stdin = stdin or sys.stdin.buffer
    if not names and stdin.isatty():
        raise ManifestError("There are no manifests: name files with -f, or pipe them in.")
    files = []
    for name in names or [STDIN]:
        if str(name) == STDIN:
            files.append(_decode("stdin", stdin.read()))
        else:
            files += [_decode(str(path), _content(path)) for path in _paths(Path(name))]
    return files


def guide() -> list[File]:
    """Read the manifests of the guide that this product automates, which the package carries."""
    folder = importlib.resources.files("webhook.offline") / "guide"
    names = ("sleep.yaml", "httpbin.yaml", "istio-ingressgateway.yaml")
    return [_decode(name, (folder / name).read_bytes()) for name in names]


def _paths(path: Path) -> list[Path]:
    """List the files that a name stands for."""
    if not path.is_dir():
        return [path]
    paths = sorted(child for child in path.iterdir() if child.suffix in _SUFFIXES)
    if not paths:
        raise ManifestError(f"{path}: this folder holds no .yaml, .yml or .json file.")
    return paths


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ManifestError(f"{path}: the file cannot be read: {error.strerror}.") from error


def _decode(name: str, content: bytes) -> File:
    """Decode a file, less the byte order mark that some editors write."""
    try:
        return file(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ManifestError(f"{name}: this is not UTF-8 text: save it as UTF-8.") from error
