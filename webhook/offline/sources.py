"""Where manifests come from: files, folders, standard input, and the guide."""

import codecs
import dataclasses
import importlib.resources
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from webhook.offline.documents import ManifestError
from webhook.offline.finding import find
from webhook.offline.manifests import File, file
from webhook.offline.progress import SILENT, Progress
from webhook.offline.scalars import without_surrogates

STDIN: Final = "-"
"""The name of standard input among files, as kubectl has it."""


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
        tell: Is given a sentence for each file that is left out (:mod:`webhook.offline.finding`).
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


def decode(name: str, content: bytes, progress: Progress = SILENT) -> File:
    """Decode a file as kubectl does; of UTF-8 the byte order mark stays, as every byte does.

    Args:
        name: The file's name.
        content: Its bytes.
        progress: Is told how far the reading is.

    Source:
        k8s.io/cli-runtime pkg/resource/visitor.go, FileVisitor.Visit: BOMOverride, else UTF-8.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
        return file(name, text, faithful=False, progress=progress)
    try:
        return file(name, content.decode(), progress=progress)
    except UnicodeDecodeError as error:
        if content.startswith(codecs.BOM_UTF8):
            raise ManifestError(f"{name}: this is not UTF-8 text: save it as UTF-8.") from error
        line = content.count(b"\n", 0, error.start) + 1
    text = without_surrogates(content.decode(errors="surrogateescape"))
    read = file(name, text, faithful=False, progress=progress)
    warning = (
        f"{name}:{line}: this is not UTF-8 text, so kubectl reads U+FFFD for some bytes: save it "
        "as UTF-8."
    )
    return dataclasses.replace(read, warnings=(warning, *read.warnings))
