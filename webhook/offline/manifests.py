"""Manifests: the Kubernetes objects in the text of a file."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from webhook.offline.diagnosis import TOO_DEEP
from webhook.offline.documents import ManifestError, members, parse
from webhook.offline.nodes import MappingNode, Node
from webhook.offline.progress import SILENT, Progress


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """One Kubernetes object as its author wrote it."""

    file: str
    node: MappingNode
    """The object's place in the file's text."""
    data: dict[str, Any]
    document: Node
    """The root of the document that it stands in: the object itself, or its ``List``."""

    @property
    def line(self) -> int:
        """Line of the file on which the object begins, counted from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def api_version(self) -> str:
        """Group and version, ``apps/v1``; the core group has no name and no slash."""
        return str(self.data["apiVersion"])

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def kind(self) -> str:
        """The kind, ``Deployment``."""
        return str(self.data["kind"])

    @property
    def metadata(self) -> dict[str, Any]:
        """The object's metadata; empty where it has none."""
        return self.data.get("metadata") or {}

    @property
    def namespace(self) -> str:
        """The namespace that the manifest names; empty where it names none."""
        return str(self.metadata.get("namespace") or "")

    @property
    def name(self) -> str:
        """The object's name, or the ``generateName`` that it will be named after."""
        return str(self.metadata.get("name") or self.metadata.get("generateName") or "")

    @property
    def is_live(self) -> bool:
        """Whether a cluster gave this object: nobody but an API server writes these two."""
        return bool(self.metadata.get("uid") or self.metadata.get("resourceVersion"))

    @property
    def title(self) -> str:
        """Kind and name in kubectl's form, ``Deployment/sleep``; the kind where it has no name."""
        return f"{self.kind}/{self.name}" if self.name else self.kind

    def error(self, sentence: str) -> ManifestError:
        """Make the error that says where this object stands and what it is."""
        return ManifestError(f"{self.file}:{self.line}: {self.title} {sentence}")


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """The text of a file and the objects in it, in order."""

    name: str
    text: str
    manifests: tuple[Manifest, ...]
    problems: tuple[ManifestError, ...] = ()
    """Why documents were left out."""
    warnings: tuple[str, ...] = ()
    """What kubectl reads otherwise than its author may think."""
    faithful: bool = True
    """Whether the text is the file byte for byte, once it is encoded as UTF-8."""


def file(name: str, text: str, *, faithful: bool = True, progress: Progress = SILENT) -> File:
    """Find the objects in the text of a file; what is no object costs no other one.

    Args:
        name: The file's name.
        text: Its text.
        faithful: Whether the text is the file byte for byte.
        progress: Is told how far the reading is.
    """
    manifests: list[Manifest] = []
    problems: list[ManifestError] = []
    warnings: list[str] = []
    for document in parse(name, text):
        if isinstance(document, ManifestError):
            problems.append(document)
            continue
        warnings += document.warnings
        progress.at(f"Reading {name}", document.node.start_mark.index, len(text))
        try:
            manifests += list(_objects(name, document.node, document.data, document.node))
        except ManifestError as error:
            problems.append(error)
        except RecursionError:
            line = document.node.start_mark.line + 1
            problems.append(ManifestError(f"{name}:{line}: {TOO_DEEP.sentence}"))
    return File(name, text, tuple(manifests), tuple(problems), tuple(warnings), faithful)


def _objects(name: str, node: Node, data: Any, document: Node) -> Iterator[Manifest]:
    """Check that a document is an object, and take a ``List`` apart."""
    where = f"{name}:{node.start_mark.line + 1}"
    if not (isinstance(node, MappingNode) and isinstance(data, dict)):
        raise ManifestError(
            f"{where}: this document is no object: a manifest is a mapping with apiVersion, kind "
            "and metadata."
        )
    for field in ("apiVersion", "kind"):
        if not isinstance(data.get(field), str) or not data[field]:
            raise ManifestError(
                f"{where}: this object has no {field}: is it a Kubernetes manifest? Add one if so."
            )
    if not isinstance(data.get("metadata", {}), dict | None):
        raise ManifestError(
            f"{where}: the metadata of this {data['kind']} is no mapping: write its name below it."
        )
    manifest = Manifest(name, node, data, document)
    if manifest.kind.endswith("List") and isinstance(data.get("items"), list):
        _, items = members(node)["items"]
        for item, content in zip(items.value, data["items"], strict=True):
            yield from _objects(name, item, _of_kind(manifest, content), document)
    else:
        yield manifest


def _of_kind(parent: Manifest, item: Any) -> Any:
    """Give an item its kind where only its list has one, as in the API's answers (``PodList``).

    Source:
        k8s.io/api core/v1/types.go, PodList: its items are typed, and encoded without TypeMeta.
    """
    kind = parent.kind.removesuffix("List")
    if not kind or not isinstance(item, dict):
        return item
    return {"apiVersion": parent.api_version, "kind": kind} | item
