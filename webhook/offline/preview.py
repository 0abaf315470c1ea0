"""What would happen to manifests: the server's own decisions, without a server or a cluster."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from webhook.admission.answer import ReviewError, receive, respond
from webhook.admission.authorship import CLUSTER
from webhook.admission.options import Options
from webhook.admission.reason import Outcome, Reason, Sees
from webhook.admission.sidecars import KIND, Sidecar, Sidecars
from webhook.offline.apiserver import Admitted, Review, act_upon, review
from webhook.offline.applier import Applier
from webhook.offline.baking import bake
from webhook.offline.defaults import Object, applied, named, pod_of, stored
from webhook.offline.documents import ManifestError
from webhook.offline.fault import fault
from webhook.offline.manifests import File, Manifest
from webhook.offline.remarks import remarks, unlabelled
from webhook.offline.setting import Setting, operation, settings_of
from webhook.offline.shape import check, check_metadata
from webhook.offline.workloads import (
    Path,
    is_kubernetes_own,
    is_service,
    member,
    spelled,
    template_paths,
)
from webhook.optin import Labels, Mode

_SENTENCES: Final = {reason.value: reason.sentence for reason in Reason}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What would happen to one Service or Pod, or to the Pods of one template of a workload."""

    manifest: Manifest
    template: Path
    """Where in the manifest the Pod's template stands; empty for a Pod and for a Service."""
    namespace: str
    outcome: str
    reason: str
    settings: tuple[Setting, ...]
    """What the webhook adds, at its place in the manifest."""
    warnings: tuple[str, ...]
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
        return _SENTENCES[self.reason]

    @property
    def patch(self) -> list[dict[str, Any]]:
        """The RFC 6902 operations that do to the manifest what the webhook does to the object."""
        return [operation(self.manifest.data, setting) for setting in self.settings]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would happen to everything in some files."""

    files: Sequence[File]
    forecasts: Sequence[Forecast]
    others: Sequence[Manifest]
    """Objects that are neither Service nor workload, and Namespaces."""
    assumed: str
    """The label assumed of namespaces that are not among the files; empty if there are none."""
    problems: Sequence[ManifestError]
    """Why documents and objects are missing from the above."""
    remarks: Sequence[str] = ()
    """What no row can say, in sentences."""

    def baked(self) -> list[str]:
        """Write the settings into the files' texts.

        Raises:
            ManifestError: As :func:`webhook.offline.baking.bake` does.
        """
        settings: dict[Manifest, list[Setting]] = {}
        for each in self.forecasts:
            settings.setdefault(each.manifest, []).extend(each.settings)
        return [bake(file, settings) for file in self.files]


def preview(
    files: Sequence[File],
    *,
    namespace: str = "default",
    assume: Mode = Mode.ENABLED,
    labels: Mapping[str, Mode] | None = None,
    applier: Applier = Applier.KUBECTL,
    options: Options | None = None,
) -> Preview:
    """Tell what would happen if these manifests were applied.

    Args:
        files: The manifests.
        namespace: Where objects go that name no namespace.
        assume: What namespaces that are not among the manifests are taken to ask for.
        labels: What namespaces are taken to ask for by name, whatever the manifests say.
        applier: Who creates the objects.
        options: What the admin chose.

    Returns:
        What would happen, and what is wrong with objects that no API server would accept.
    """
    options = options or Options()
    manifests = [manifest for file in files for manifest in file.manifests]
    problems = [problem for file in files for problem in file.problems]
    known = _namespaces(manifests, problems)
    for name, mode in (labels or {}).items():
        known[name] = {**known.get(name, {}), options.label_key: mode.value}
    assumed = {options.label_key: assume.value}

    sidecars = _sidecars(manifests, namespace)

    def ask(asked: Review) -> bytes:
        admission = receive(asked.body)
        labels = known.get(admission.request.namespace, assumed)
        return respond(admission.request.uid, admission.decide(labels, options, sidecars))

    def sees(asked: Review) -> Sees:
        admission = receive(asked.body)
        labels = known.get(admission.request.namespace, assumed)
        return admission.sees(labels, options, sidecars)

    forecasts, others = forecast(
        manifests, lambda each: each.namespace or namespace, ask, sees, problems, applier=applier
    )
    return Preview(
        files=files,
        forecasts=forecasts,
        others=others,
        assumed=f"{options.label_key}: {assume}"
        if any(each.namespace not in known for each in forecasts)
        else "",
        remarks=[
            *remarks(manifests, options.label_key),
            *unlabelled((each.namespace for each in forecasts), known, options.label_key),
        ],
        problems=problems,
    )


def forecast(
    manifests: Sequence[Manifest],
    place: Callable[[Manifest], str],
    ask: Callable[[Review], bytes],
    sees: Callable[[Review], Sees],
    problems: list[ManifestError],
    *,
    applier: Applier = Applier.KUBECTL,
) -> tuple[list[Forecast], list[Manifest]]:
    """Ask about the object that comes of each manifest.

    Args:
        manifests: The manifests.
        place: Tells the namespace of a manifest's object.
        ask: Answers a review, bytes to bytes as over the wire.
        sees: Tells whom the application behind the object sees after that.
        problems: Gets what is wrong with objects that no API server would accept.
        applier: Who creates the objects.

    Returns:
        What would happen to Services and workloads, and the manifests that are neither.
    """
    forecasts, others = [], []
    for manifest in manifests:
        paths = [()] if is_service(manifest) else template_paths(manifest)
        if not paths:
            others.append(manifest)
        try:
            forecasts += [
                _forecast(manifest, path, place(manifest), ask, sees, applier=applier)
                for path in paths
            ]
        except ManifestError as error:
            problems.append(error)
    return forecasts, others


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


def _forecast(
    manifest: Manifest,
    path: Path,
    namespace: str,
    ask: Callable[[Review], bytes],
    sees: Callable[[Review], Sees],
    *,
    applier: Applier,
) -> Forecast:
    """Send the object that comes of a manifest through admission."""
    created = _created(manifest, path, namespace, applier)
    asked = review(created, applier=applier, dry_run=True)
    try:
        answer = ask(asked)
    except ReviewError as error:
        raise manifest.error(fault(error, path)) from error
    admitted = act_upon(asked, answer)
    return Forecast(
        manifest=manifest,
        template=path,
        namespace=namespace,
        outcome=admitted.outcome,
        reason=admitted.reason,
        settings=settings_of(admitted.operations, path),
        warnings=(*admitted.warnings, *_unseen(manifest, admitted, applier)),
        sees=sees(asked),
    )


def _unseen(manifest: Manifest, admitted: Admitted, applier: Applier) -> tuple[str, ...]:
    """Warn where the manifest says Cluster, and no webhook can see that somebody wrote it."""
    written = member(manifest.data, ("spec", "externalTrafficPolicy"))
    lost = written == CLUSTER and admitted.outcome == Outcome.PATCHED and not manifest.is_live
    return (applier.unseen_cluster,) if lost and applier.unseen_cluster else ()


def _created(manifest: Manifest, path: Path, namespace: str, applier: Applier) -> Object:
    """Make the object whose creation a webhook would see: the manifest's own, or its Pod."""
    check(manifest, path)
    if not path and manifest.is_live:
        return stored(manifest.data, namespace)
    if not path:
        return applied(manifest.data, namespace, applier)
    template = member(manifest.data, path)
    if not is_kubernetes_own(manifest):
        template = named(template)
    return pod_of(template, manifest.name, namespace)
