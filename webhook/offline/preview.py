"""What would happen to manifests: the server's own decisions, without a server or a cluster."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final

from webhook.admission.answer import ReviewError, receive, respond
from webhook.admission.options import Options
from webhook.admission.reason import Reason
from webhook.offline.apiserver import Review, act_upon, review
from webhook.offline.baking import bake
from webhook.offline.defaults import Object, applied, pod_of
from webhook.offline.documents import ManifestError
from webhook.offline.fault import fault
from webhook.offline.manifests import File, Manifest
from webhook.offline.outlook import outlook
from webhook.offline.setting import Setting, operation, settings_of
from webhook.offline.shape import check, check_metadata
from webhook.offline.workloads import Path, is_service, member, template_path
from webhook.optin import Labels, Mode

_SENTENCES: Final = {reason.value: reason.sentence for reason in Reason}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What would happen to one Service, Pod or workload."""

    manifest: Manifest
    namespace: str
    outcome: str
    reason: str
    settings: tuple[Setting, ...]
    """What the webhook adds, at its place in the manifest."""
    warnings: tuple[str, ...]
    sees: str
    """Whom the application sees: one of :mod:`webhook.offline.outlook`'s constants."""

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

    def baked(self) -> list[str]:
        """Write the settings into the files' texts.

        Raises:
            ManifestError: As :func:`webhook.offline.baking.bake` does.
        """
        settings = {forecast.manifest: forecast.settings for forecast in self.forecasts}
        return [bake(file, settings) for file in self.files]


def preview(
    files: Sequence[File],
    *,
    namespace: str = "default",
    assume: Mode = Mode.ENABLED,
    options: Options | None = None,
) -> Preview:
    """Tell what would happen if these manifests were applied.

    Args:
        files: The manifests.
        namespace: Where objects go that name no namespace.
        assume: What namespaces that are not among the manifests are taken to ask for.
        options: What the admin chose.

    Returns:
        What would happen, and what is wrong with objects that no API server would accept.
    """
    options = options or Options()
    manifests = [manifest for file in files for manifest in file.manifests]
    problems = [problem for file in files for problem in file.problems]
    known = _namespaces(manifests, problems)
    assumed = {options.label_key: assume.value}

    def ask(asked: Review) -> bytes:
        admission = receive(asked.body)
        labels = known.get(admission.request.namespace, assumed)
        return respond(admission.request.uid, admission.decide(labels, options))

    forecasts, others = forecast(manifests, lambda each: each.namespace or namespace, ask, problems)
    return Preview(
        files=files,
        forecasts=forecasts,
        others=others,
        assumed=f"{options.label_key}: {assume}"
        if any(each.namespace not in known for each in forecasts)
        else "",
        problems=problems,
    )


def forecast(
    manifests: Sequence[Manifest],
    place: Callable[[Manifest], str],
    ask: Callable[[Review], bytes],
    problems: list[ManifestError],
) -> tuple[list[Forecast], list[Manifest]]:
    """Ask about the object that comes of each manifest.

    Args:
        manifests: The manifests.
        place: Tells the namespace of a manifest's object.
        ask: Answers a review, bytes to bytes as over the wire.
        problems: Gets what is wrong with objects that no API server would accept.

    Returns:
        What would happen to Services and workloads, and the manifests that are neither.
    """
    forecasts, others = [], []
    for manifest in manifests:
        path = () if is_service(manifest) else template_path(manifest)
        if path is None:
            others.append(manifest)
            continue
        try:
            forecasts.append(_forecast(manifest, path, place(manifest), ask))
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


def _forecast(
    manifest: Manifest, path: Path, namespace: str, ask: Callable[[Review], bytes]
) -> Forecast:
    """Send the object that comes of a manifest through admission."""
    asked = review(_created(manifest, path, namespace), dry_run=True)
    try:
        answer = ask(asked)
    except ReviewError as error:
        raise manifest.error(fault(error, path)) from error
    admitted = act_upon(asked, answer)
    return Forecast(
        manifest=manifest,
        namespace=namespace,
        outcome=admitted.outcome,
        reason=admitted.reason,
        settings=settings_of(admitted.operations, path),
        warnings=admitted.warnings,
        sees=outlook(admitted.object, admitted.reason),
    )


def _created(manifest: Manifest, path: Path, namespace: str) -> Object:
    """Make the object whose creation a webhook would see: the manifest's own, or its Pod."""
    check(manifest, path)
    if not path:
        return applied(manifest.data, namespace)
    return pod_of(member(manifest.data, path), manifest.name, namespace)
