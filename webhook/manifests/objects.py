"""Kubernetes objects in the text of a file, and where each keeps its pod templates."""

import codecs
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from webhook.manifests.documents import TOO_DEEP, ManifestError, parse
from webhook.manifests.nodes import MappingNode, Node, members
from webhook.manifests.values import without_surrogates

Path = tuple[str | int, ...]
"""Steps from an object's root to a part of it: the names of members, the places in lists."""
_IN_SPEC: Final[Path] = ("spec", "template")
"""Where nearly all workloads of Kubernetes keep their pod template."""
_TEMPLATES: Final[dict[tuple[str, str], Path]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): _IN_SPEC,
    ("apps", "DaemonSet"): _IN_SPEC,
    ("apps", "Deployment"): _IN_SPEC,
    ("apps", "ReplicaSet"): _IN_SPEC,
    ("apps", "StatefulSet"): _IN_SPEC,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): _IN_SPEC,
}
"""Kubernetes' own kinds that create Pods, by group and kind, and where each keeps its template.
Those of others are known by the shape of what they hold."""
_SCHEMA_GROUP: Final = "apiextensions.k8s.io"
"""The group of CustomResourceDefinition, whose examples and defaults are no objects."""
_DEEPEST: Final = 10
"""Steps to a template, at most: an AppWrapper that wraps a JobSet has its templates at
``spec.components[0].template.spec.replicatedJobs[0].template.spec.template``."""


class Progress(Protocol):
    """Is told how far the work is."""

    def at(self, stage: str, done: int, total: int) -> None:
        """Take note of how far a stage of the work is.

        Args:
            stage: What is being done, for people.
            done: How much of it is done, in a unit of the stage's own.
            total: How much there is to do.
        """

    def clear(self) -> None:
        """Take away what is shown, because something else is to be written."""


class _Silent:
    """A :class:`Progress` that shows nothing."""

    def at(self, stage: str, done: int, total: int) -> None:
        """Take note of nothing."""

    def clear(self) -> None:
        """Have nothing to take away."""


SILENT: Final[Progress] = _Silent()
"""The progress of work that nobody watches."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """One Kubernetes object as its author wrote it."""

    file: str
    """Name of the file that it stands in."""
    node: MappingNode
    """The object's place in the file's text."""
    data: dict[str, Any]
    """The object, as JSON would carry it."""
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
    """What errors call it: its path, or a word for standard input."""
    text: str
    """What stands in it, a byte order mark included."""
    manifests: tuple[Manifest, ...]
    """The objects."""
    problems: tuple[ManifestError, ...] = ()
    """Why documents were left out."""
    warnings: tuple[str, ...] = ()
    """What kubectl reads otherwise than its author may think."""
    faithful: bool = True
    """Whether the text is the file byte for byte, once it is encoded as UTF-8."""


def decode(name: str, content: bytes, progress: Progress = SILENT) -> File:
    """Decode a file as kubectl does, and find the objects in it.

    Of UTF-8 every byte stays, the byte order mark too, so that the text can be written back.

    Args:
        name: The file's name.
        content: Its bytes.
        progress: Is told how far the reading is, in characters.

    Raises:
        ManifestError: The file begins as UTF-8 does that has a byte order mark, and goes on as
            something else: kubectl reads nothing of it.

    Source:
        k8s.io/cli-runtime pkg/resource/visitor.go, FileVisitor.Visit: BOMOverride, else UTF-8.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
        return find_objects(name, text, faithful=False, progress=progress)
    try:
        return find_objects(name, content.decode(), progress=progress)
    except UnicodeDecodeError as error:
        if content.startswith(codecs.BOM_UTF8):
            raise ManifestError(f"{name}: this is not UTF-8 text: save it as UTF-8.") from error
        line = content.count(b"\n", 0, error.start) + 1
    text = without_surrogates(content.decode(errors="surrogateescape"))
    read = find_objects(name, text, faithful=False, progress=progress)
    warning = (
        f"{name}:{line}: this is not UTF-8 text, so kubectl reads U+FFFD for some bytes: save it "
        "as UTF-8."
    )
    return dataclasses.replace(read, warnings=(warning, *read.warnings))


def find_objects(
    name: str, text: str, *, faithful: bool = True, progress: Progress = SILENT
) -> File:
    """Find the objects in the text of a file; beside one that cannot be read the others are found.

    Args:
        name: The file's name.
        text: Its text.
        faithful: Whether the text is the file byte for byte.
        progress: Is told how far the reading is, in characters.
    """
    manifests: list[Manifest] = []
    problems: list[ManifestError] = []
    warnings: list[str] = []
    for document in parse(name, text):
        if isinstance(document, ManifestError):
            problems.append(document)
            continue
        warnings += map(str, document.warnings)
        progress.at(f"Reading {name}", document.node.start_mark.index, len(text))
        try:
            manifests += list(_objects(name, document.node, document.data, document.node))
        except ManifestError as error:
            problems.append(error)
        except RecursionError:
            line = document.node.start_mark.line + 1
            problems.append(ManifestError(f"{name}:{line}: {TOO_DEEP}"))
    return File(name, text, tuple(manifests), tuple(problems), tuple(warnings), faithful)


def is_service(manifest: Manifest) -> bool:
    """Tell whether this is a Service of the core group, and not Knative's kind of that name."""
    return (manifest.group, manifest.kind) == ("", "Service")


def is_kubernetes_own(manifest: Manifest) -> bool:
    """Tell whether a kind has its pod template at a place that Kubernetes' own API fixes."""
    return (manifest.group, manifest.kind) in _TEMPLATES


def template_paths(manifest: Manifest) -> list[Path]:
    """Tell where an object keeps its pod templates.

    Kubernetes' own kinds are known by name. Objects of other kinds are searched below ``spec``: a
    member is a pod template if its name ends in ``template`` and its shape is a PodTemplateSpec's.

    Args:
        manifest: Any object.

    Returns:
        The paths of its templates in the order of the manifest; the empty path for a Pod, which is
        its own template. Nothing for kinds that create no Pods, and for objects without the
        template, such as a Rollout that refers to a Deployment.

    Source:
        k8s.io/api core/v1/types.go, PodTemplateSpec;
        k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation: the group of a custom
        resource has a dot, and no workload of Kubernetes is in such a group.
    """
    if is_kubernetes_own(manifest):
        path = _TEMPLATES[manifest.group, manifest.kind]
        return [path] if isinstance(member(manifest.data, path), dict) else []
    if "." not in manifest.group or manifest.group == _SCHEMA_GROUP:
        return []
    return list(_templates(manifest.data.get("spec"), ("spec",)))


def member(data: Any, path: Path) -> Any:
    """Find a part of an object.

    Args:
        data: The object, or a part of one.
        path: Steps to what is searched; steps into lists have to be those of a path that was found
            in these very data.

    Returns:
        The part; ``None`` where the path leads nowhere.
    """
    for step in path:
        if isinstance(step, int):
            data = data[step]
        elif isinstance(data, Mapping):
            data = data.get(step)
        else:
            return None
    return data


def spelled(path: Path) -> str:
    """Spell a path as kubectl does, ``spec.workerGroupSpecs[0].template``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


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


def _templates(data: Any, path: Path) -> Iterator[Path]:
    """Search for pod templates, from the top; nothing is searched for inside of one."""
    if len(path) > _DEEPEST:
        return
    if isinstance(data, list):
        for place, item in enumerate(data):
            yield from _templates(item, (*path, place))
    elif isinstance(data, dict):
        if _is_template(path[-1]) and _is_pod_template_spec(data):
            yield path
            return
        for name, value in data.items():
            # A spec further down is that of a template, such as a Job's. Elsewhere it is that of a
            # whole object, which goes to other clusters (ManifestWork) or is a pattern (Kyverno).
            if name != "spec" or _is_template(path[-1]):
                yield from _templates(value, (*path, name))


def _is_template(step: str | int) -> bool:
    return isinstance(step, str) and step.lower().endswith("template")


def _is_pod_template_spec(data: Mapping[str, Any]) -> bool:
    """Tell it by its containers: each has an image or a name, which Knative lets be left out."""
    spec = data.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    return (
        isinstance(containers, list)
        and bool(containers)
        and all(
            isinstance(each, dict) and (_is_text(each.get("name")) or _is_text(each.get("image")))
            for each in containers
        )
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
