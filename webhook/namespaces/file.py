"""Labels from a file of Namespace manifests: for trying out, and where there is no cluster."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeVar

import msgspec

from webhook.labels import Labels

if TYPE_CHECKING:
    from webhook.manifests.documents import DocumentError

T = TypeVar("T")
_LISTS: Final = frozenset({("v1", "List"), ("v1", "NamespaceList")})
"""What ``kubectl get namespaces -o yaml`` and the API itself wrap several objects in."""


class NamespacesError(Exception):
    """The file cannot be used; one sentence says what, why, and what to do."""


class _TypeMeta(msgspec.Struct, rename="camel"):
    """What an object is, and what is in it where it is a list."""

    api_version: str = ""
    kind: str = ""
    items: list[Any] = []


class _ObjectMeta(msgspec.Struct):
    """``metadata`` of a Namespace."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    labels: dict[str, str] | None = None


class _Namespace(msgspec.Struct):
    """A ``v1 Namespace``."""

    metadata: _ObjectMeta


class FileNamespaces:
    """The Namespaces of a file; a :class:`webhook.namespaces.Namespaces`.

    Args:
        labels: Labels by the namespace's name.
    """

    def __init__(self, labels: Mapping[str, Labels]) -> None:
        self._labels = labels

    @classmethod
    def load(cls, path: Path, look: Callable[[str, Labels], None] = lambda *_: None) -> Self:
        """Read a file once; where it has a namespace twice, the last one counts, as if applied.

        Args:
            path: YAML, any number of documents, each a ``v1 Namespace`` or a List of them.
            look: Is shown the labels of each namespace.

        Raises:
            NamespacesError: The file cannot be read, or holds something else.
        """
        labels: dict[str, Labels] = {}
        for where, document in _documents(path):
            for manifest in _manifests(document, where):
                metadata = _convert(manifest, _Namespace, where).metadata
                labels[metadata.name] = metadata.labels or {}
        for name, found in labels.items():
            look(name, found)
        return cls(labels)

    @property
    def known(self) -> bool:
        """Always: the file has been read."""
        return True

    def remembered(self, name: str) -> Labels | None:
        """Tell the labels of a namespace, empty where the file does not have it."""
        return self._labels.get(name, {})

    async def labels(self, name: str) -> Labels | None:
        """Tell the same: the file is all there is."""
        return self.remembered(name)

    async def confirm(self, name: str) -> Labels | None:
        """Tell the same again."""
        return self.remembered(name)

    async def run(self) -> None:
        """Wait to be cancelled: nothing changes."""
        await asyncio.Event().wait()


def _documents(path: Path) -> Iterator[tuple[str, Any]]:
    """Read the documents of the file as kubectl reads them; each comes with what errors call it."""
    # Imported here: the namespaces of a cluster need no manifests, and their modules cost memory.
    from webhook.manifests import documents  # noqa: PLC0415

    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise NamespacesError(
            f"Cannot read {path}: {error.strerror}; name a file of Namespace objects, such as "
            "kubectl get namespaces -o yaml writes."
        ) from error
    except UnicodeDecodeError as error:
        raise NamespacesError(f"{path}: not YAML: {error}; correct the file.") from error
    for document in documents.parse(str(path), text):
        if isinstance(document, documents.DocumentError):
            raise _not_yaml(path, document)
        # kubectl would leave out some of what is written, and no namespace may be lost like that.
        if document.warnings:
            raise _not_yaml(path, document.warnings[0])
        yield f"{path}, document {document.number}", document.data


def _not_yaml(path: Path, error: "DocumentError") -> NamespacesError:
    """Make the error for a document that kubectl would refuse, or not read whole."""
    reason = error.sentence.removeprefix("this is not valid YAML: ").removesuffix(".")
    return NamespacesError(f"{path}, line {error.line}: not YAML: {reason}; correct the file.")


def _manifests(document: Any, where: str) -> Iterator[Any]:
    """Yield the Namespaces of one document, not validated yet."""
    outer = _convert(document, _TypeMeta, where)
    is_list = (outer.api_version, outer.kind) in _LISTS
    for manifest in outer.items if is_list else [document]:
        meta = _convert(manifest, _TypeMeta, where)
        if (meta.api_version, meta.kind) != ("v1", "Namespace"):
            found = f"{meta.api_version} {meta.kind}".strip() or "an object without a kind"
            raise NamespacesError(
                f"{where}: found {found} where a v1 Namespace belongs; remove it from the file."
            )
        yield manifest


def _convert(manifest: Any, kind: type[T], where: str) -> T:
    """Validate a part of a document.

    Args:
        manifest: The part.
        kind: What it should be.
        where: What errors call the document.

    Raises:
        NamespacesError: It is something else.
    """
    try:
        return msgspec.convert(manifest, kind)
    except msgspec.ValidationError as error:
        raise NamespacesError(
            f"{where}: not a Namespace with a name and labels: {error}; "
            'correct it (a label\'s value is a string: write "true", not true).'
        ) from error
