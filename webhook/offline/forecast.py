"""What would happen to one manifest: its object is made, and sent through admission."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from webhook.admission.answer import ReviewError
from webhook.admission.authorship import CLUSTER
from webhook.admission.reason import Outcome, Reason, Sees
from webhook.offline.apiserver import Admitted, Review, act_upon, review
from webhook.offline.applier import Applier
from webhook.offline.defaults import Object, applied, named, pod_of, stored
from webhook.offline.documents import ManifestError
from webhook.offline.fault import fault
from webhook.offline.manifests import Manifest
from webhook.offline.progress import SILENT, Progress
from webhook.offline.setting import Setting, operation, settings_of
from webhook.offline.shape import check
from webhook.offline.workloads import (
    Path,
    is_kubernetes_own,
    is_service,
    member,
    spelled,
    template_paths,
)

_SENTENCES: Final = {reason.value: reason.sentence for reason in Reason}


class Answer(NamedTuple):
    """What a webhook says to a review."""

    body: bytes
    """The answer as it goes over the wire."""
    sees: Sees
    """Whom the application behind the object sees after that."""


Ask = Callable[[Review], Answer]


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
    forecasts, others = [], []
    for count, manifest in enumerate(manifests):
        progress.at("Deciding", count, len(manifests))
        paths = [()] if is_service(manifest) else template_paths(manifest)
        if not paths:
            others.append(manifest)
        try:
            forecasts += [
                _forecast(manifest, path, place(manifest), ask, applier=applier) for path in paths
            ]
        except ManifestError as error:
            problems.append(error)
        except RecursionError:
            problems.append(manifest.error("is nested too deeply to be judged."))
    return forecasts, others


def _forecast(
    manifest: Manifest,
    path: Path,
    namespace: str,
    ask: Ask,
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
    admitted = act_upon(asked, answer.body)
    return Forecast(
        manifest=manifest,
        template=path,
        namespace=namespace,
        outcome=admitted.outcome,
        reason=admitted.reason,
        settings=settings_of(admitted.operations, path),
        warnings=(*admitted.warnings, *_unseen(manifest, admitted, applier)),
        sees=answer.sees,
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
