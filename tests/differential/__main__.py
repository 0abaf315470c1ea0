"""Compares what preview and the real kubectl read of all YAML below some folders, and counts.

    python -m tests.differential "$(go env GOMODCACHE)" .venv

Exit code 1 after a difference.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click

from tests.differential import kubectl
from webhook.manifests.documents import Document, ManifestError, parse
from webhook.manifests.objects import decode

_AT_A_TIME = 100
"""Files for one call of kubectl, which takes a tenth of a second to start."""

_SUFFIXES = frozenset({".yaml", ".yml"})


class Ours(NamedTuple):
    """What preview reads of a file."""

    path: Path
    objects: list[Any]
    """What kubectl would show of it."""
    refused: str
    """Why a document cannot be read; empty if all can."""


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--limit", default=20_000, show_default=True, help="Files at most.")
def main(folders: Sequence[Path], limit: int) -> None:
    """Compare, and print what came of it."""
    found: Counter[str] = Counter(differences=0)
    paths = islice(_files(folders), limit)
    while several := [_read(path, found) for path in islice(paths, _AT_A_TIME)]:
        whole = [each for each in several if not each.refused]
        found["files that both read"] += len(whole)
        if _difference(whole):
            _tell(whole, found)
        found["files that both refuse"] += len(several) - len(whole)
        _tell([each for each in several if each.refused], found)
    for what, count in found.items():
        click.echo(f"{count} {what}")
    sys.exit(1 if found["differences"] else 0)


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(
            path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file()
        )


def _read(path: Path, found: Counter[str]) -> Ours:
    documents: list[Document | ManifestError] = []
    try:
        documents += parse(str(path), decode(str(path), path.read_bytes()).text)
    except ManifestError as error:
        documents.append(error)
    read = [each.data for each in documents if isinstance(each, Document)]
    refused = next((str(each) for each in documents if isinstance(each, ManifestError)), "")
    objects = [shown for data in read for shown in kubectl.shown(data)]
    found["documents"] += len(read)
    found["objects among them"] += len(objects)
    return Ours(path, objects, refused)


def _difference(several: Sequence[Ours]) -> str:
    """Let kubectl read files, and say what it reads otherwise."""
    if not several:
        return ""
    theirs = kubectl.read([each.path for each in several])
    objects = [shown for each in several for shown in each.objects]
    if several[0].refused:
        if "error parsing" not in theirs.errors and "cannot unmarshal" not in theirs.errors:
            return f"kubectl does not refuse it as we do: {several[0].refused}"
        return "" if theirs.objects == objects[: len(theirs.objects)] else "read otherwise"
    if "error parsing" in theirs.errors:
        return f"kubectl refuses it: {theirs.errors}"
    return "" if theirs.objects == objects else "read otherwise"


def _tell(several: Sequence[Ours], found: Counter[str]) -> None:
    for each in several:
        if difference := _difference([each]):
            found["differences"] += 1
            click.echo(f"{each.path}: {difference}")


if __name__ == "__main__":
    main()
