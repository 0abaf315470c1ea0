"""What would happen to manifests: the server's own decisions, without a server or a cluster.

For each manifest the object is made that would be created, and sent through admission.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from webhook.admission.answer import ReviewError, receive, respond
from webhook.admission.authorship import CLUSTER
from webhook.admission.decision import Outcome, Sees
from webhook.admission.options import Options
from webhook.admission.registry import REASONS
from webhook.admission.sidecars import KIND, Sidecar, Sidecars
from webhook.labels import Labels, Mode
from webhook.manifests.documents import ManifestError
from webhook.manifests.objects import (
    SILENT,
    File,
    Manifest,
    Path,
    Progress,
    is_kubernetes_own,
    is_service,
    member,
    spelled,
    template_paths,
)
from webhook.offline.apiserver import Admitted, Applier, Object, Review, act_upon, review
from webhook.offline.bake import Setting, bake, operations, settings_of
from webhook.offline.creation import applied, check, check_metadata, fault, named, pod_of, recreated
from webhook.offline.remarks import remarks, unlabelled


class Response(NamedTuple):
    """What a webhook says to a review."""

    body: bytes
    """The answer as it goes over the wire."""
    sees: tuple[Sees, ...]
    """Whom the application behind the object sees after that, one for each decision."""


Ask = Callable[[Review], Response]
"""Answers a review."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one mutation would do to one Service or Pod, or to the Pods of a workload's template."""

    manifest: Manifest
    """The manifest of the Service, the Pod or the workload."""
    template: Path
    """Where in the manifest the Pod's template stands; empty for a Pod and for a Service."""
    namespace: str
    """Where the object goes."""
    outcome: str
    """The :class:`webhook.admission.decision.Outcome`."""
    reason: str
    """The :class:`webhook.admission.decision.Reason`."""
    settings: tuple[Setting, ...]
    """What the webhook adds, at its place in the manifest.

    Where several mutations patch an object, all that is added stands in the first of its forecasts
    that is ``patched``: so ``patch`` is one that applies as a whole.
    """
    warnings: tuple[str, ...]
    """What kubectl prints, and what no webhook can warn of (``Applier.unseen_cluster``).

    All of it stands in the first of an object's forecasts.
    """
    sees: Sees
    """Whom the application sees."""

    @property
    def title(self) -> str:
        """The manifest's title, with the template's path where no kind of Kubernetes has it."""
        if not self.template or is_kubernetes_own(self.manifest):
            return self.manifest.title
        return f"{self.manifest.title} {spelled(self.template)}"

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return REASONS[self.reason].sentence

    @property
    def patch(self) -> list[dict[str, Any]]:
        """The RFC 6902 operations that do to the manifest what the webhook does to the object."""
        return operations(self.manifest.data, self.settings)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would happen to everything in some files."""

    files: Sequence[File]
    """The files."""
    forecasts: Sequence[Forecast]
    """What would happen to each Service and to the Pods of each workload."""
    others: Sequence[Manifest]
    """Objects that are neither Service nor workload, Namespaces among them."""
    assumed: str
    """The label assumed of namespaces that are not among the files; empty if there are none."""
    problems: Sequence[ManifestError]
    """Why documents and objects are missing from the above."""
    remarks: Sequence[str] = ()
    """What no row can say, in sentences."""

    @property
    def warnings(self) -> list[str]:
        """The warnings as kubectl prints them, each with the object that it is about."""
        return [
            f"Warning: {each.title}: {warning}"
            for each in self.forecasts
            for warning in each.warnings
        ]

    @property
    def notes(self) -> list[str]:
        """What no row can say, in lines."""
        return [f"Note: {remark}" for remark in self.remarks]

    def baked(self, progress: Progress = SILENT) -> list[str]:
        """Write the settings into the files' texts.

        Args:
            progress: Is told how far that is.

        Raises:
            ManifestError: As :func:`webhook.offline.bake.bake` does.
        """
        settings: dict[Manifest, list[Setting]] = {}
        for each in self.forecasts:
            settings.setdefault(each.manifest, []).extend(each.settings)
        return [bake(file, settings, progress) for file in self.files]


def build_preview(
    files: Sequence[File],
    *,
    namespace: str = "default",
    assume: Mode = Mode.ENABLED,
    labels: Mapping[str, Mode] | None = None,
    applier: Applier = Applier.KUBECTL,
    options: Options | None = None,
    progress: Progress = SILENT,
) -> Preview:
    """Tell what would happen if these manifests were applied.

    Args:
        files: The manifests.
        namespace: Where objects go that name no namespace.
        assume: What namespaces that are not among the manifests are taken to ask for.
        labels: What namespaces are taken to ask for by name, whatever the manifests say.
        applier: Who creates the objects.
        options: What the admin chose.
        progress: Is told how far the decisions are.

    Returns:
        What would happen, and what is wrong with objects that no API server would accept.
    """
    options = options or Options()
    key = options.label_key
    manifests = [manifest for file in files for manifest in file.manifests]
    problems = [problem for file in files for problem in file.problems]
    known = _namespaces(manifests, problems)
    for name, mode in (labels or {}).items():
        known[name] = {**known.get(name, {}), key: mode.value}
    forecasts, others = forecast(
        manifests,
        lambda each: each.namespace or namespace,
        _make_ask(known, {key: assume.value}, options, _sidecars(manifests, namespace)),
        problems,
        applier=applier,
        progress=progress,
    )
    namespaces = dict.fromkeys(each.namespace for each in forecasts)
    return Preview(
        files=files,
        forecasts=forecasts,
        others=others,
        assumed="" if namespaces.keys() <= known.keys() else f"{key}: {assume}",
        remarks=[*remarks(manifests, key), *unlabelled(namespaces, known, key)],
        problems=problems,
    )


def forecast(
    manifests: Sequence[Manifest],
    place: Callable[[Manifest], str],
    ask: Ask,
    problems: list[ManifestError],
    *,
    applier: Applier = Applier.KUBECTL,
    progress: Progress = SILENT,
) -> tuple[list[Forecast], list[Manifest]]:
    """Ask about the object that comes of each manifest.

    Args:
        manifests: The manifests.
        place: Tells the namespace of a manifest's object.
        ask: Answers a review, bytes to bytes as over the wire.
        problems: Gets what is wrong with objects that no API server would accept.
        applier: Who creates the objects.
        progress: Is told how many have been asked about.

    Returns:
        What would happen to Services and workloads, and the manifests that are neither.
    """
    forecasts: list[Forecast] = []
    others: list[Manifest] = []
    for count, manifest in enumerate(manifests):
        progress.at("Deciding", count, len(manifests))
        paths = [()] if is_service(manifest) else template_paths(manifest)
        if not paths:
            others.append(manifest)
        try:
            forecasts += [
                each
                for path in paths
                for each in _forecasts(manifest, path, place(manifest), ask, applier=applier)
            ]
        except ManifestError as error:
            problems.append(error)
        except RecursionError:
            problems.append(manifest.error("is nested too deeply to be judged."))
    return forecasts, others


def _make_ask(
    known: Mapping[str, Labels], assumed: Labels, options: Options, sidecars: Sidecars
) -> Ask:
    """Make what answers reviews in this process, with the functions that the server calls.

    Args:
        known: Labels of namespaces, by name.
        assumed: Labels of all other namespaces.
        options: What the admin chose.
        sidecars: The Sidecar resources.
    """

    def ask(asked: Review) -> Response:
        admission = receive(asked.body)
        labels = known.get(admission.request.namespace, assumed)
        decisions = admission.decide(labels, options, sidecars)
        sees = admission.sees(labels, options, sidecars)
        return Response(respond(admission.request.uid, decisions), sees)

    return ask


def _namespaces(manifests: Sequence[Manifest], problems: list[ManifestError]) -> dict[str, Labels]:
    """Collect the labels of the Namespaces among the manifests."""
    found: dict[str, Labels] = {}
    for manifest in manifests:
        if (manifest.api_version, manifest.kind) == ("v1", "Namespace"):
            try:
                check_metadata(manifest)
            except ManifestError as error:
                problems.append(error)
                continue
            found[manifest.name] = manifest.metadata.get("labels") or {}
    return found


def _sidecars(manifests: Sequence[Manifest], namespace: str) -> Sidecars:
    """Collect the Sidecars among the manifests."""
    read = (
        Sidecar.of(
            manifest.namespace or namespace,
            manifest.name,
            str(manifest.metadata.get("creationTimestamp") or ""),
            manifest.data.get("spec"),
        )
        for manifest in manifests
        if (manifest.group, manifest.kind) == KIND
    )
    return Sidecars(each for each in read if each is not None)


def _forecasts(
    manifest: Manifest,
    path: Path,
    namespace: str,
    ask: Ask,
    *,
    applier: Applier,
) -> Iterator[Forecast]:
    """Send the object that comes of a manifest through admission: a forecast for each decision."""
    created = _created(manifest, path, namespace, applier)
    asked = review(created, applier=applier, dry_run=True)
    try:
        answer = ask(asked)
    except ReviewError as error:
        raise manifest.error(fault(error, path)) from error
    admitted = act_upon(asked, answer.body)
    settings = settings_of(admitted.operations, path)
    warnings = (*admitted.warnings, *_unseen(manifest, admitted, applier))
    for outcome, reason, sees in zip(admitted.outcomes, admitted.reasons, answer.sees, strict=True):
        is_patched = outcome == Outcome.PATCHED
        yield Forecast(
            manifest=manifest,
            template=path,
            namespace=namespace,
            outcome=outcome,
            reason=reason,
            settings=settings if is_patched else (),
            warnings=warnings,
            sees=sees,
        )
        settings, warnings = () if is_patched else settings, ()


def _created(manifest: Manifest, path: Path, namespace: str, applier: Applier) -> Object:
    """Make the object whose creation a webhook would see: the manifest's own, or its Pod."""
    check(manifest, path)
    if not path and manifest.is_live:
        return recreated(manifest.data, namespace)
    if not path:
        return applied(manifest.data, namespace, applier)
    template = member(manifest.data, path)
    if not is_kubernetes_own(manifest):
        template = named(template)
    return pod_of(template, manifest.name, namespace)


def _unseen(manifest: Manifest, admitted: Admitted, applier: Applier) -> tuple[str, ...]:
    """Warn where the manifest says Cluster, and no webhook can see that somebody wrote it."""
    if manifest.is_live or not applier.unseen_cluster:
        return ()
    policy = ("spec", "externalTrafficPolicy")
    is_lost = (
        member(manifest.data, policy) == CLUSTER and member(admitted.object, policy) != CLUSTER
    )
    return (applier.unseen_cluster,) if is_lost else ()
