"""Where manifests come from: files, folders, standard input, and the guide."""

import importlib.resources
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from webhook.offline.documents import ManifestError
from webhook.offline.finding import find
from webhook.offline.manifests import File, file

STDIN: Final = "-"
"""The name of standard input among files, as kubectl has it."""


def read(
    names: Sequence[str | Path],
    stdin: BinaryIO | None = None,
    *,
    recursive: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> list[File]:
    """Read manifests.

    Args:
        names: Files, folders (their ``.yaml``, ``.yml`` and ``.json``) and ``-`` for standard
            input, which an empty sequence means too.
        stdin: What to read instead of the process's standard input.
        recursive: Whether folders in folders are read too.
        tell: Is given a sentence for each file that is left out (:mod:`webhook.offline.finding`).

    Raises:
        ManifestError: A file cannot be read, or holds something else than manifests.
    """
    files = []
    for name in names or [STDIN]:
        if str(name) == STDIN:
            source = stdin or _standard_input()
            if not names and source.isatty():
                raise ManifestError("There are no manifests: name files with -f, or pipe them in.")
            files.append(_decode("stdin", _content("stdin", source.read)))
        else:
            files += [
                _decode(str(path), _content(path, path.read_bytes))
                for path in find(name, recursive=recursive, tell=tell)
            ]
    if not files:
        raise ManifestError("There are no manifests: nothing is left of what was named.")
    return files


def guide() -> list[File]:
    """Read the manifests of the guide that this product automates, which the package carries."""
    folder = importlib.resources.files("webhook.offline") / "guide"
    names = ("sleep.yaml", "httpbin.yaml", "istio-ingressgateway.yaml")
    return [_decode(name, (folder / name).read_bytes()) for name in names]


def _standard_input() -> BinaryIO:
    """Find the process's standard input; Python has none where the shell has closed it."""
    if sys.stdin is None:
        raise ManifestError("Standard input is closed: name files with -f.")
    return sys.stdin.buffer


def _content(name: str | Path, read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except OSError as error:
        raise ManifestError(f"{name}: the file cannot be read: {error.strerror}.") from error


def _decode(name: str, content: bytes) -> File:
    """Decode a file; a byte order mark stays, so that its text is the file byte for byte."""
    try:
        return file(name, content.decode())
    except UnicodeDecodeError as error:
        raise ManifestError(f"{name}: this is not UTF-8 text: save it as UTF-8.") from error
